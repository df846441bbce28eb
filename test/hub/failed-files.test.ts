import {expect, it} from 'vitest';
import {forgetFailedFiles} from '../../source/hub/pglite/failed-files.ts';

/** Like Emscripten: creates the entry first, and then creates or opens the file. */
function fileSystem() {
	const nodes = new Map<string, object>();
	const streams = new Set<number>();
	let full = true;
	const refuse = (): void => {
		if (full) throw new Error('ENOSPC');
	};
	const module = {
		NODEFS: {
			node_ops: {
				mknod(_: unknown, name: string) {
					nodes.set(name, {});
					refuse();
					return nodes.get(name);
				},
			},
			stream_ops: {open: refuse},
		},
		FS: {
			lookupNode: (_: unknown, name: string) => nodes.get(name),
			destroyNode: (node: object) => [...nodes].forEach(([name, each]) => each === node && nodes.delete(name)),
			closeStream: (fd: number) => streams.delete(fd),
		},
	};
	forgetFailedFiles(module);
	return {...module, nodes, streams, free: () => (full = false)};
}

it('forgets a file that could not be created, and creates it when there is space', () => {
	const {NODEFS, nodes, free} = fileSystem();
	const make = (): unknown => (NODEFS.node_ops.mknod as (...words: unknown[]) => unknown)(null, '17032_fsm', 0, 0);
	expect(make).toThrow('ENOSPC');
	expect(nodes.size).toBe(0);
	free();
	expect(make()).toBe(nodes.get('17032_fsm'));
});

it('frees the slot of a stream that could not be opened', () => {
	const {NODEFS, streams, free} = fileSystem();
	const open = (fd: number): void => {
		streams.add(fd);
		(NODEFS.stream_ops.open as (stream: object) => void)({fd});
	};
	expect(() => open(7)).toThrow('ENOSPC');
	expect(streams.size).toBe(0);
	free();
	open(8);
	expect([...streams]).toEqual([8]);
});
