import {readdirSync, readFileSync} from 'node:fs';

/** A package that agentmux is delivered with, or needs when it is installed. */
export interface Package {
	/** Where it lies: `node_modules/a/node_modules/b`. */
	readonly path: string;
	readonly name: string;
	readonly version: string;
	/** As the package declares it: an SPDX expression. */
	readonly licence: string;
	/** `sha512-…`, of what was downloaded. */
	readonly integrity: string | null;
	/** The paths of the packages that it needs. */
	readonly needs: readonly string[];
}

interface Locked {
	readonly version?: string;
	readonly license?: string;
	readonly integrity?: string;
	readonly dependencies?: {readonly [name: string]: string};
	readonly optionalDependencies?: {readonly [name: string]: string};
	readonly peerDependencies?: {readonly [name: string]: string};
}

const root = new URL('../../', import.meta.url);

/** The packages that `dependencies` leads to, by path; the first, with an empty path, is agentmux itself. */
export function packages(): Package[] {
	const {packages: locked} = JSON.parse(readFileSync(new URL('package-lock.json', root), 'utf8')) as {
		packages: {readonly [path: string]: Locked};
	};
	const found = new Map<string, Package>();
	const visit = (path: string): void => {
		const entry = locked[path];
		if (entry === undefined || found.has(path)) return;
		const {version = '', integrity = null, dependencies, optionalDependencies, peerDependencies} = entry;
		const names = Object.keys({...dependencies, ...optionalDependencies, ...peerDependencies});
		const needs = names.map(name => resolved(locked, path, name)).filter(each => each !== null);
		const name = path === '' ? 'agentmux' : path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
		found.set(path, {path, name, version, licence: licenceOf(path, entry), integrity, needs: needs.sort()});
		for (const each of needs) visit(each);
	};
	visit('');
	return [...found.values()].sort((one, other) => compare(one.name, other.name) || compare(one.path, other.path));
}

/** The texts that come with a package: licence and notice, or what its README says of its licence. */
export function textsOf({path}: Package): string[] {
	const folder = new URL(`${path}/`, root);
	const read = (name: string): string => readFileSync(new URL(name, folder), 'utf8').replaceAll('\r\n', '\n').trim();
	const names = readdirSync(folder).sort();
	const files = names.filter(name => /^(licen[cs]e|copying|notice)/i.test(name));
	if (files.length > 0) return files.map(read);
	const readme = names.find(name => /^readme/i.test(name));
	const said = readme === undefined ? undefined : /^#+ *licen[cs]e\b[^\n]*\n(.*)/ims.exec(read(readme))?.[1]?.trim();
	return said === undefined || said.length < 200 ? [] : [said];
}

export function compare(one: string, other: string): number {
	return one < other ? -1 : Number(one > other);
}

/** Where Node finds it: beside what needs it, or in a folder above. Null for what is not installed, as an optional peer. */
function resolved(locked: {readonly [path: string]: Locked}, from: string, name: string): string | null {
	for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
		const path = `${folder === '' ? '' : `${folder}/`}node_modules/${name}`;
		if (path in locked) return path;
		if (folder === '') return null;
	}
}

function licenceOf(path: string, {license}: Locked): string {
	if (license !== undefined) return license;
	const file = JSON.parse(readFileSync(new URL(`${path}/package.json`, root), 'utf8')) as {license?: string};
	return file.license ?? 'unknown';
}
