#!/usr/bin/env bash
# All that needs an NVIDIA GPU, in under ten minutes: the tests of this folder, then the efficiency tables.
#
#   tests/gpu/run.sh                        on a machine with a GPU
#   tests/gpu/run.sh --device cpu --quick   tries this script out anywhere, with the bundled small tower
#
# Results go to $OUT (./efficiency-gpu by default): run.log with the tables, and efficiency.tar.gz with the JSON
# and the plot of every setting. Packages that the machine's Python lacks are taken from wheels in ./.whl, if
# there is such a folder. Beside torch, those commonly missing are had by
#
#   python3 -m pip download --no-deps --only-binary=:all: --python-version 3.12 --implementation cp \
#       --platform manylinux2014_x86_64 -d .whl open_clip_torch==3.3.0 ftfy==6.3.1 wcwidth==0.9.4
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2

PYTHON=${PYTHON:-python3}
OUT=${OUT:-efficiency-gpu}
SECONDS_ALLOWED=${SECONDS_ALLOWED:-570}
device=cuda
quick=no
while [ $# -gt 0 ]; do
    case $1 in
        --device)
            device=${2:-}
            shift $(($# < 2 ? 1 : 2))
            ;;
        --quick)
            quick=yes
            shift
            ;;
        *)
            echo "unknown option $1: known are --device cuda, --device cpu and --quick" >&2
            exit 2
            ;;
    esac
done
case $device in
    cuda | cpu) ;;
    *)
        echo "unknown device '$device': known are cuda and cpu" >&2
        exit 2
        ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=()

# step NAME MOST COMMAND...: run it for MOST seconds, or what is left of them; go on if it fails.
step() {
    local name=$1 most=$2 left=$((SECONDS_ALLOWED - SECONDS)) started=$SECONDS code=0
    shift 2
    if [ "$left" -lt 5 ]; then
        echo "== $name: left out, the time is over"
        failures+=("$name (no time)")
        return
    fi
    printf '\n== %s\n' "$name"
    timeout --kill-after=5 "$((left < most ? left : most))" "$@" || code=$?
    echo "== $name: exit code $code after $((SECONDS - started)) s"
    if [ "$code" -ne 0 ]; then
        failures+=("$name ($code)")
    fi
}

# measure NAME MOST OPTION...: one efficiency table, with its JSON and plot.
measure() {
    local name=$1 most=$2
    shift 2
    step "$name" "$most" "$PYTHON" -m model.evaluation.efficiency --device "$device" \
        --output "$work/efficiency/$name" "$@"
}

prepare() {
    export PYTHONUNBUFFERED=1 PYTHONPATH=$PWD GPU_TESTS_DEVICE=$device
    if [ -d .whl ]; then
        "$PYTHON" -m pip install -q --no-index --no-deps --no-compile --no-cache-dir --target "$work/site" \
            .whl/*.whl || return 2
        PYTHONPATH=$work/site:$PWD
    fi
    if command -v nvidia-smi > /dev/null; then
        nvidia-smi --query-gpu=name,driver_version,clocks.sm,clocks.mem,memory.used --format=csv
    fi
    "$PYTHON" -c 'import torch; print("torch", torch.__version__, "cuda", torch.version.cuda)'
}

# The tests of the other folders want packages that such a machine need not have; its torch may warn of more.
run_tests() {
    step tests "$1" "$PYTHON" -m pytest -q -rs --confcutdir=tests/gpu -p no:cacheprovider -W default \
        --durations=5 tests/gpu
}

# A timed sample is 5 runs. Compiling takes most of a minute an arm, so only the papers' own are compiled.
measure_gpu() {
    local both=(--backbone paper-b32 --backbone paper-b16 --batch 32)
    local own_b32=(--reducer centerclip:B6-4,49 --reducer tempme)
    local own_b16=(--reducer centerclip:B6-4,160 --reducer tempme)
    local graphed=(--mode graph --no-training) name # all but spectral, whose eigenvectors the host waits for
    for name in centerclip tempme pooling sparse frames tome pitome; do
        graphed+=(--reducer "$name")
    done
    measure f12-bf16-eager 120 "${both[@]}" --dtype bfloat16 --repeats 15 --warm-up 3
    measure f12-bf16-graph 60 "${both[@]}" --dtype bfloat16 "${graphed[@]}" --repeats 15
    measure f60-b32-bf16-eager 60 --backbone paper-b32 --batch 32 --frames 60 --dtype bfloat16 --repeats 7
    measure f60-bf16-graph 100 "${both[@]}" --frames 60 --dtype bfloat16 "${graphed[@]}" --repeats 5
    measure f12-fp32-eager 60 "${both[@]}" --repeats 5 --no-training
    measure f12-b32-bf16-compiled 90 --backbone paper-b32 --batch 32 "${own_b32[@]}" --dtype bfloat16 \
        --mode compiled --repeats 15 --no-training
    measure f12-b16-bf16-compiled 90 --backbone paper-b16 --batch 32 "${own_b16[@]}" --dtype bfloat16 \
        --mode compiled --repeats 15 --no-training
    measure f12-fp32-graph 60 "${both[@]}" "${graphed[@]}" --repeats 5
    measure f60-b16-bf16-eager 60 --backbone paper-b16 --batch 32 --frames 60 --dtype bfloat16 --repeats 3 \
        --no-training
    measure f60-fp32-eager 90 "${both[@]}" --frames 60 --reducer centerclip --reducer tempme --repeats 2 \
        --no-training
}

measure_quick() {
    local small=(--backbone tiny --batch 1 --repeats 2 --warm-up 0)
    measure f12-fp32-eager 200 "${small[@]}" --training-repeats 1
    measure f12-bf16-eager 200 "${small[@]}" --dtype bfloat16 --reducer centerclip --no-training
    if [ "$device" = cuda ]; then
        measure f12-fp32-graph 100 "${small[@]}" --mode graph --no-training
        measure f12-fp32-compiled 100 "${small[@]}" --mode compiled --reducer centerclip --no-training
    fi
}

main() {
    prepare || return 2
    run_tests 200
    if [ "$quick" = yes ]; then
        measure_quick
    else
        measure_gpu
    fi
    if [ -d "$work/efficiency" ]; then
        tar -czf "$OUT/efficiency.tar.gz" -C "$work" efficiency || failures+=("efficiency.tar.gz")
    fi
    printf '\n== all done after %s s\n' "$SECONDS"
    if [ "${#failures[@]}" -gt 0 ]; then
        printf '== failed: %s\n' "${failures[@]}"
        return 1
    fi
}

mkdir -p "$OUT" || exit 2
main 2>&1 | tee "$OUT/run.log"
exit "${PIPESTATUS[0]}"
