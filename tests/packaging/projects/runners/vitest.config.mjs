import { defineConfig } from "vitest/config";

const { ENVIRONMENT: environment, INLINED } = process.env;

// Inlined means processed by Vite instead of loaded by Node.
export default defineConfig({ test: { include: ["vitest.test.mjs"], environment, server: { deps: { inline: INLINED === "1" ? ["tokenlatch"] : [] } } } });
