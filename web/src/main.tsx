// Starts the page.

// oxlint-disable-next-line import/no-unassigned-import -- it mends what the imports below read
import "./language.ts";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Gate } from "./access/gate.tsx";
import "uplot/dist/uPlot.min.css";
import { ApiError } from "./api/client.ts";
import { App } from "./app.tsx";
import { LiveProvider } from "./live/live.tsx";
import "./styles/base.css";
import "./styles/layout.css";
import "./styles/data.css";
import "./styles/tensors.css";
import "./styles/signals.css";
import { initTheme } from "./theme.ts";

initTheme();

const client = new QueryClient({
  defaultOptions: {
    queries: {
      // Live events say when something is old.
      staleTime: 30_000,
      // What the server refuses it refuses again.
      retry: (count, error) => count < 2 && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
    },
  },
});

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no element with the id root");
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <Gate>
        <LiveProvider>
          <App />
        </LiveProvider>
      </Gate>
    </QueryClientProvider>
  </StrictMode>,
);
