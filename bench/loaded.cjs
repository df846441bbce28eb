// Loaded first by a program whose modules are counted: says at its end, on fd 3, how many of Node's own modules it has loaded.
process.on('exit', () => {
	process.getBuiltinModule('node:fs').writeSync(3, String(process.moduleLoadList.length));
});
