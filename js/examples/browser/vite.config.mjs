// npx vite build
export default {
  root: import.meta.dirname ?? new URL(".", import.meta.url).pathname,
  // Relative URLs, so that the page works under any path.
  base: "./",
  build: { target: "es2022", emptyOutDir: true },
};
