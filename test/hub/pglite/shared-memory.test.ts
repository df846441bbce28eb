import fc from 'fast-check';
import {expect, it} from 'vitest';
import {withSharedMemory} from '../../../source/hub/pglite/shared-memory.ts';

const number = (value: number): number[] => (value < 128 ? [value] : [(value % 128) + 128, ...number(value >> 7)]);
const named = (name: string): number[] => [...number(name.length), ...new TextEncoder().encode(name)];
const section = (id: number, content: readonly number[]): number[] => [id, ...number(content.length), ...content];
const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
/** One type: no arguments, no results. */
const types = section(1, [1, 0x60, 0, 0]);
const imports = {
	function: [...named('env'), ...named('f'), 0, 0],
	table: [...named('env'), ...named('t'), 1, 0x70, 0, 0],
	global: [...named('env'), ...named('g'), 3, 0x7f, 0],
};

/** A module with these imports before and behind that of its memory. */
function moduleWith(before: readonly number[][], behind: readonly number[][], limits: readonly number[]): Uint8Array {
	const memory = [...named('env'), ...named('memory'), 2, ...limits];
	const all = [...before, memory, ...behind];
	const custom = section(0, [...named('note'), 1, 2, 3]);
	return Uint8Array.from([
		...header,
		...custom,
		...types,
		...section(2, [...number(all.length), ...all.flat()]),
		...custom,
	]);
}

const given = {
	f: () => undefined,
	t: new WebAssembly.Table({element: 'anyfunc', initial: 0}),
	g: 0,
};

it('changes a module to import a memory that threads share, and nothing else', () => {
	const some = fc.array(fc.constantFrom(imports.function, imports.table, imports.global), {maxLength: 40});
	const limits = fc.constantFrom([0, 1], [1, 1, 16], [1, 1, ...number(32_768)]);
	fc.assert(
		fc.property(some, some, limits, (before, behind, memory) => {
			const module = moduleWith(before, behind, memory);
			const own = new WebAssembly.Memory({initial: 1, maximum: 16});
			const shared = new WebAssembly.Memory({initial: 1, maximum: 16, shared: true});
			const made = new WebAssembly.Module(withSharedMemory(module));
			const instance = (memory: WebAssembly.Memory): WebAssembly.Instance =>
				new WebAssembly.Instance(made, {env: {...given, memory}});
			expect(() => instance(shared)).not.toThrow();
			expect(() => instance(own)).toThrow(WebAssembly.LinkError);
			expect(WebAssembly.Module.imports(made)).toEqual(
				WebAssembly.Module.imports(new WebAssembly.Module(Uint8Array.from(module))),
			);
		}),
		{numRuns: 50},
	);
});

it('says that a module imports no memory, or ends too early', () => {
	expect(() => withSharedMemory(Uint8Array.from([...header, ...types]))).toThrow('imports no memory');
	const whole = moduleWith([imports.function], [], [0, 1]);
	expect(() => withSharedMemory(whole.subarray(0, 30))).toThrow('ends too early');
});
