import { defineConfig } from "vite";

// Three files with fixed names: the collector embeds them, and a page that is open across an upgrade finds them again.
export default defineConfig({
  base: "/",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2022",
    outDir: "dist",
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
    rollupOptions: {
      output: {
        entryFileNames: "console.js",
        assetFileNames: "console[extname]",
      },
    },
  },
  // `npm run dev` beside a running collector.
  server: { proxy: { "/v1": "http://127.0.0.1:41003" } },
});
