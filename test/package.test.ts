import {execFileSync, spawnSync} from 'node:child_process';
import {mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';

const root = path.resolve(import.meta.dirname, '..');

describe('the package', () => {
	let scratch: string;
	let files: string[];
	let installed: string;

	beforeAll(() => {
		scratch = mkdtempSync(path.join(tmpdir(), 'agentmux-pack-'));
		const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', scratch];
		const answer: unknown = JSON.parse(
			execFileSync('npm', pack, {cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore']}),
		);
		const [{filename, files: packed}] = Object.values(answer as object) as [
			{filename: string; files: {path: string}[]},
		];
		files = packed.map(file => file.path);
		const modules = path.join(scratch, 'node_modules');
		mkdirSync(modules);
		execFileSync('tar', ['-xzf', path.join(scratch, filename), '-C', modules]);
		installed = path.join(modules, 'package');
		symlinkSync(path.join(root, 'node_modules'), path.join(installed, 'node_modules'));
	});

	afterAll(() => {
		rmSync(scratch, {recursive: true, force: true});
	});

	it('contains the program, the migrations and the documents, and nothing else', () => {
		const other = files.filter(
			file =>
				!/^(dist\/.+|recipes\/[a-z-]+\/(recipe\.toml|README\.md)|supabase\/(config\.toml|seed\.sql|(former\/supabase\/)?migrations\/.+\.sql)|package\.json|sbom\.cdx\.json|(README|SECURITY|THIRD-PARTY-NOTICES)\.md|LICENSE)$/.test(
					file,
				),
		);
		expect(other).toEqual([]);
		expect(files).toEqual(
			expect.arrayContaining([
				'dist/cli.js',
				'dist/pglite-worker.js',
				'recipes/planner-executor/recipe.toml',
				'supabase/config.toml',
				'README.md',
				'SECURITY.md',
				'THIRD-PARTY-NOTICES.md',
				'sbom.cdx.json',
				'LICENSE',
			]),
		);
		expect(files.some(file => file.startsWith('supabase/migrations/'))).toBe(true);
	});

	it('runs where it was installed', () => {
		const {version} = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {version: string};
		expect(
			execFileSync(process.execPath, [path.join(installed, 'dist/cli.js'), '--version'], {encoding: 'utf8'}).trim(),
		).toBe(version);
	});

	it('includes its recipes', () => {
		const words = ['join', '--recipe', 'planner-executor', '--dir', scratch, '--print'];
		const env = {...process.env, AGENTMUX_HOME: path.join(scratch, 'home')};
		const cli = path.join(installed, 'dist/cli.js');
		expect(execFileSync(process.execPath, [cli, ...words], {encoding: 'utf8', env})).toContain(
			'EXECUTOR in the recipe',
		);
	});

	it('says in one sentence what it needs under an older Node', () => {
		const older =
			'data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.20.2"}})';
		const {status, stdout, stderr} = spawnSync(
			process.execPath,
			['--import', older, path.join(installed, 'dist/cli.js')],
			{encoding: 'utf8'},
		);
		expect({status, stdout}).toEqual({status: 1, stdout: ''});
		expect(stderr).toMatch(/^agentmux needs Node 22\.13 or newer, and this is Node 20\.20\.2\. .+\n$/);
	});

	it('has all the metadata that a registry asks for', () => {
		const about = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as Record<string, unknown>;
		expect(about).toMatchObject({
			name: 'agentmux',
			license: 'MIT',
			bin: {agentmux: 'dist/cli.js'},
			engines: {node: '>=22.13'},
		});
		expect(about).not.toHaveProperty('repository');
		expect(readFileSync(path.join(root, 'package-lock.json'), 'utf8')).not.toMatch(/"resolved": "http/);
	});
});
