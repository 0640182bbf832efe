#!/usr/bin/env node
// Command line of native solc over soljson (npm `solc`), as far as py-solc-x and forge need it.
//
//   solc.cjs --version
//   solc.cjs --standard-json [--base-path DIR] [--include-path DIR]... [--allow-paths LIST] < input > output
//
// npm's own `solcjs` cannot serve: it prints a line on SMT solvers before the JSON and resolves no imports.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const solc = require("solc");

const modules = path.join(__dirname, "node_modules");

/** Writes all of a text to stdout: a pipe takes a part only, and says EAGAIN when it is full. */
function writeAll(text) {
  const bytes = Buffer.from(text, "utf8");
  let written = 0;
  while (written < bytes.length) {
    try {
      written += fs.writeSync(1, bytes, written);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

/** Reads an imported source from the first root that has it; never from outside the roots. */
function reader(roots) {
  return (name) => {
    for (const root of roots) {
      const file = path.resolve(root, name);
      if (file.startsWith(root + path.sep) && fs.existsSync(file)) return { contents: fs.readFileSync(file, "utf8") };
    }
    return { error: `not found under ${roots.join(", ")}: ${name}` };
  };
}

/** Takes the roots from --base-path and --include-path; refuses what it does not know. */
function rootsOf(args) {
  const roots = [];
  for (let i = 0; i < args.length; i += 2) {
    const known = ["--base-path", "--include-path", "--allow-paths"].includes(args[i]);
    if (!known || i + 1 === args.length) throw new Error(`unknown argument: ${args[i]}`);
    if (args[i] !== "--allow-paths") roots.push(path.resolve(args[i + 1]));
  }
  return [...roots, __dirname, modules];
}

function main(args) {
  if (args.includes("--version")) {
    writeAll(`solc, the solidity compiler commandline interface\nVersion: ${solc.version()}\n`);
    return 0;
  }
  const rest = args.filter((arg) => arg !== "--standard-json" && arg !== "-");
  if (!args.includes("--standard-json")) throw new Error("expected --version or --standard-json");
  const input = fs.readFileSync(0, "utf8");
  writeAll(solc.compile(input, { import: reader(rootsOf(rest)) }));
  return 0;
}

try {
  process.exitCode = main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`solc.cjs: ${error.message}\n`);
  process.exitCode = 1;
}
