export const NOW = 1_795_341_384; // 2026-11-22
export const ACCOUNT = { user: "alice", features: "all" };
export const ENTROPY = Array.from({ length: 64 }, (_, index) => (index * 37 + 11).toString(16).padStart(2, "0").slice(-2)).join("");
