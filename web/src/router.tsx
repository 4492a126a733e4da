// The page's place in the browser's history: one store that components subscribe to, and links that do not reload.

import { type AnchorHTMLAttributes, type MouseEvent, type ReactNode, useSyncExternalStore } from "react";

const listeners = new Set<() => void>();

const tell = (): void => listeners.forEach((listener) => listener());

function subscribe(listener: () => void): () => void {
  if (listeners.size === 0) window.addEventListener("popstate", tell);
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) window.removeEventListener("popstate", tell);
  };
}

export interface Place {
  readonly pathname: string;
  readonly search: string;
  readonly hash: string;
}

export function usePlace(): Place {
  const href = useSyncExternalStore(subscribe, () => window.location.href);
  const { pathname, search, hash } = new URL(href);
  return { pathname, search, hash };
}

export function navigate(href: string, { replace = false }: { readonly replace?: boolean } = {}): void {
  const samePage = new URL(href, window.location.href).pathname === window.location.pathname;
  window.history[replace ? "replaceState" : "pushState"](null, "", href);
  if (!samePage) window.scrollTo(0, 0);
  tell();
}

/** Sets or, with "", removes a parameter of the address without a new entry in the history. */
export function setSearchParameter(name: string, value: string): void {
  const url = new URL(window.location.href);
  if (value === "") url.searchParams.delete(name);
  else url.searchParams.set(name, value);
  navigate(url.pathname + url.search, { replace: true });
}

interface LinkProps extends AnchorHTMLAttributes<HTMLAnchorElement> {
  readonly href: string;
  readonly children: ReactNode;
}

export function Link({ href, children, ...rest }: LinkProps): ReactNode {
  const follow = (event: MouseEvent): void => {
    // Other clicks mean a new tab or window.
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(href);
  };
  return (
    <a href={href} onClick={follow} {...rest}>
      {children}
    </a>
  );
}
