// npx vite build
export default {
  root: import.meta.dirname ?? new URL(".", import.meta.url).pathname,
  // One place for the page under any path.
  base: "./",
  build: { target: "es2022", emptyOutDir: true },
};
