// The panels shown in place of a list: a failure with a way out, or nothing to show with a next step.

import { button, element, icon } from "./element.js";

/** Return a panel that shows a Problem, with a button for the way out when `onRetry` is given. */
export function problemPanel(problem, onRetry = null, wayOut = "Try again") {
  const children = [
    icon("warning"),
    element("h3", {}, problem.title ?? "Something went wrong on this page"),
    element("p", {}, problem.detail ?? problem.message),
  ];
  if (onRetry) children.push(button({}, wayOut, onRetry));
  return element("div", { class: "panel panel-problem", role: "alert" }, children);
}

/** Return a panel that says there is nothing to show and what to do about it. */
export function emptyPanel(iconName, title, ...children) {
  return element("div", { class: "panel" }, [icon(iconName), element("h3", {}, title), ...children]);
}
