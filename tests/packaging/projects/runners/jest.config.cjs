// As it comes, but for the kinds of files: one test as CommonJS, one as an ECMAScript module.
module.exports = { testMatch: ["**/package.test.cjs", "**/package.test.mjs"], transform: {} };
