// The frame of every page: navigation, whether it is live, theme, and the page that the address names.

import { type ReactNode, useEffect, useMemo } from "react";
import { AlertsPage } from "./alerts/alerts-page.tsx";
import { ComparePage } from "./compare/compare-page.tsx";
import { type LiveState, useLive } from "./live/live.tsx";
import { Link, usePlace } from "./router.tsx";
import { parseRoute, refKey, type Route } from "./routes.ts";
import { ServerNotice } from "./parts/server-notice.tsx";
import { RunPage } from "./run/run-page.tsx";
import { RunsPage } from "./runs/runs-page.tsx";
import { chooseTheme, useTheme } from "./theme.ts";

export function App(): ReactNode {
  const { pathname, search } = usePlace();
  const route = useMemo(() => parseRoute(pathname, search), [pathname, search]);
  const title = titleOf(route);
  useEffect(() => {
    document.title = `${title} · Gradwatch`;
  }, [title]);
  return (
    <>
      <a className="skip" href="#main">
        Skip to content
      </a>
      <header className="top">
        <Link className="brand" href="/">
          <img src="/icon.svg" alt="" width="22" height="22" /> Gradwatch
        </Link>
        <nav aria-label="Pages">
          <Link href="/" aria-current={route.page === "runs" ? "page" : undefined}>
            Runs
          </Link>
          <Link href="/alerts" aria-current={route.page === "alerts" ? "page" : undefined}>
            Alerts
          </Link>
        </nav>
        <LiveLabel />
        <ThemeButton />
      </header>
      <ServerNotice />
      <main id="main" tabIndex={-1}>
        <Page route={route} />
      </main>
    </>
  );
}

function Page({ route }: { readonly route: Route }): ReactNode {
  switch (route.page) {
    case "runs":
      return <RunsPage />;
    case "run":
      // The key: nothing chosen for one run is kept for another.
      return <RunPage key={refKey(route.ref)} of={route.ref} />;
    case "compare":
      return <ComparePage refs={route.refs} />;
    case "alerts":
      return <AlertsPage />;
    case "unknown":
      return (
        <>
          <h1>There is no such page</h1>
          <p>
            Nothing is at {route.path}. All runs are <Link href="/">here</Link>.
          </p>
        </>
      );
  }
}

function titleOf(route: Route): string {
  switch (route.page) {
    case "runs":
      return "Runs";
    case "run":
      return route.ref.run;
    case "compare":
      return "Compare";
    case "alerts":
      return "Alerts";
    case "unknown":
      return "No such page";
  }
}

const LIVE_WORDS: Readonly<Record<LiveState, string>> = { connecting: "connecting …", live: "live", lost: "connection lost, trying again" };

function LiveLabel(): ReactNode {
  const { state, announcement } = useLive();
  return (
    <>
      <span className={`live live-${state}`} data-testid="live-state" data-state={state} role="status">
        <span className="dot" aria-hidden="true" />
        {LIVE_WORDS[state]}
      </span>
      <span className="visually-hidden" role="log" aria-live="polite">
        {announcement}
      </span>
    </>
  );
}

function ThemeButton(): ReactNode {
  const theme = useTheme();
  const other = theme === "dark" ? "light" : "dark";
  return (
    <button type="button" className="quiet" onClick={() => chooseTheme(other)}>
      {theme === "dark" ? "☀" : "☾"} <span className="visually-hidden">Use the {other} theme</span>
    </button>
  );
}
