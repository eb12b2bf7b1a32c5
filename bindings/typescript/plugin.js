"use strict";

// For tstl: where the Lua half of this package lies. TypeScript finds the types
// by itself; '@capacitor/core' is the same module under its older name.
const path = require("path");

const files = {
  "@capacitor/core": "index.lua",
  "@farside/core": "index.lua",
  "@farside/core/device": "device.lua",
  "@farside/core/busted": "busted.lua",
};

function relative(from, to) {
  return path.relative(path.dirname(from), to).split(path.sep).join("/");
}

// In the map of a bundle tstl names each source as seen from where its own file
// would have been; what reads the map looks from where the bundle is.
function mendSources(program, file) {
  const { getEmitPath } = require("typescript-to-lua");
  const mended = new Map();
  for (const source of program.getSourceFiles())
    if (!source.isDeclarationFile)
      mended.set(relative(getEmitPath(source.fileName, program), source.fileName),
                 relative(path.resolve(file.outputPath), source.fileName));
  const map = JSON.parse(file.sourceMap);
  map.sources = map.sources.map((source) => mended.get(source) || source);
  file.sourceMap = JSON.stringify(map);
}

module.exports = {
  moduleResolution(name) {
    return files[name] === undefined ? undefined : path.join(__dirname, files[name]);
  },
  beforeEmit(program, options, host, emitted) {
    if (options.luaBundle)
      for (const file of emitted) if (file.sourceMap) mendSources(program, file);
  },
};
