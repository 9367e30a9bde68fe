// Counts the tokens of every sample with the real o200k_base vocabulary and prints counts.tsv.
//
//     npm install --no-save gpt-tokenizer@4.0.0 && node count.mjs > counts.tsv
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { encode } from "gpt-tokenizer/encoding/o200k_base";

const here = import.meta.dirname;
for (const kind of ["english", "code", "cjk", "other"]) {
  for (const name of readdirSync(join(here, kind)).sort()) {
    const text = readFileSync(join(here, kind, name), "utf8");
    console.log([kind, name, encode(text).length].join("\t"));
  }
}
