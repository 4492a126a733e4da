// Light or dark: what the system says, until a person chooses; the choice is kept in the browser.

import { useSyncExternalStore } from "react";
import type { Theme } from "./chart/color.ts";

const KEY = "gradwatch.theme";
const system = window.matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();

function current(): Theme {
  const chosen = stored();
  if (chosen === "light" || chosen === "dark") return chosen;
  return system.matches ? "dark" : "light";
}

/** Storage may be forbidden; then the choice lasts as long as the page. */
let unstored: string | null = null;
function stored(): string | null {
  try {
    return localStorage.getItem(KEY) ?? unstored;
  } catch {
    return unstored;
  }
}

function apply(): void {
  document.documentElement.dataset["theme"] = current();
  listeners.forEach((listener) => listener());
}

export function initTheme(): void {
  system.addEventListener("change", apply);
  apply();
}

export function chooseTheme(theme: Theme): void {
  unstored = theme;
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // Kept in `unstored`.
  }
  apply();
}

export const useTheme = (): Theme =>
  useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, current);
