// Builds the page to static files where the server finds them; `npm run dev` serves it with live reload and passes API
// calls on to a server on its usual port.

import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  build: { outDir: "../server/page", emptyOutDir: true, chunkSizeWarningLimit: 700 },
  server: { proxy: { "/api": "http://127.0.0.1:7070" } },
});
