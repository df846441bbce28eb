import {execFileSync} from 'node:child_process';
import {
	chmodSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readFileSync,
	realpathSync,
	rmSync,
	writeFileSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, test, vi} from 'vitest';
import {planLaunchers, refreshLaunchers} from '../../source/commands/cli/launcher.ts';
import {version} from '../../source/hub/files/version.ts';
import {findPaths} from '../../source/paths.ts';

const started = {file: process.argv[1], node: process.execPath};
let folder: string;
beforeEach(() => {
	folder = realpathSync(mkdtempSync(join(tmpdir(), 'agentmux-launcher-')));
});
afterEach(() => {
	process.argv[1] = started.file ?? '';
	process.execPath = started.node;
	rmSync(folder, {recursive: true, force: true});
});

const paths = () => findPaths({AGENTMUX_HOME: join(folder, 'home')});

/** Makes this process one that was started in the folder `name`, by a Node of its own there. */
function startedAs(name: string): void {
	const place = join(folder, name);
	mkdirSync(place, {recursive: true});
	process.argv[1] = join(place, 'cli.js');
	process.execPath = join(place, 'node');
	writeFileSync(process.argv[1], '');
	writeFileSync(process.execPath, '#!/bin/sh\necho "started $1"\n');
	chmodSync(process.execPath, 0o700);
}

/** Writes the script of the program, and returns its path. */
function writeScript(change = (script: string): string => script): string {
	const [program] = planLaunchers(paths());
	if (program === undefined) throw new Error('There is no script.');
	mkdirSync(join(program.file, '..'), {recursive: true});
	writeFileSync(program.file, change(program.after), {mode: 0o700});
	return program.file;
}

describe.skipIf(process.platform === 'win32')('the script by which clients start agentmux', () => {
	test('runs nothing of a path with a line break, and starts what lies there', () => {
		startedAs("it's\ntouch ran\n");
		const printed = execFileSync(writeScript(), ['send'], {encoding: 'utf8', cwd: folder});
		expect(printed).toBe(`started ${process.argv[1] ?? ''}\n`);
		expect(existsSync(join(folder, 'ran'))).toBe(false);
	});

	test.runIf(process.platform === 'linux')(
		'finds the home of the user who joined, whatever its client passes on',
		() => {
			for (const name of ['CONFIG', 'DATA', 'STATE']) vi.stubEnv(`XDG_${name}_HOME`, join(folder, `my ${name}`));
			startedAs('new');
			writeFileSync(process.execPath, '#!/bin/sh\necho "$XDG_CONFIG_HOME:$XDG_DATA_HOME:$XDG_STATE_HOME"\n');
			const [program] = planLaunchers(findPaths({}));
			vi.unstubAllEnvs();
			const script = join(folder, 'agentmux');
			writeFileSync(script, program?.after ?? '', {mode: 0o700});
			expect(program?.file).toBe(join(folder, 'my DATA/agentmux/bin/agentmux'));
			const printed = execFileSync(script, {encoding: 'utf8', env: {PATH: process.env['PATH']}});
			expect(printed).toBe(`${['CONFIG', 'DATA', 'STATE'].map(name => join(folder, `my ${name}`)).join(':')}\n`);
		},
	);

	test('is rewritten when what it starts is gone, in whatever way its version wrote the paths', () => {
		startedAs('new');
		const [node, file] = [process.execPath, process.argv[1] ?? ''];
		const script = writeScript();
		const current = readFileSync(script, 'utf8');
		expect(current).toContain(`# agentmux ${version}\n# ${JSON.stringify(node)}\n# ${JSON.stringify(file)}\n`);
		const kept = (change: (script: string) => string): boolean => {
			const written = readFileSync(writeScript(change), 'utf8');
			refreshLaunchers(paths());
			return readFileSync(script, 'utf8') === written;
		};
		expect(kept(text => `${text}\n`)).toBe(true);
		// As earlier versions wrote it.
		expect(kept(text => text.replace(JSON.stringify(node), node).replace(JSON.stringify(file), file))).toBe(true);
		expect(kept(text => text.replace(`# ${JSON.stringify(file)}`, `# "${file}.gone"`))).toBe(false);
		expect(kept(text => text.replace(`# ${JSON.stringify(file)}`, `# ${file}.gone`))).toBe(false);
		expect(kept(text => text.replace(`# ${JSON.stringify(file)}`, '# "damaged'))).toBe(false);
	});

	test('is left alone by a server that has outlived its own program', () => {
		startedAs('old');
		const script = writeScript(text => text.replaceAll('old', 'older'));
		const written = readFileSync(script, 'utf8');
		rmSync(process.argv[1] ?? '');
		refreshLaunchers(paths());
		expect(readFileSync(script, 'utf8')).toBe(written);
	});
});
