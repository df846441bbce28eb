import {existsSync, readFileSync, readdirSync} from 'node:fs';
import {describe, expect, it} from 'vitest';

const root = new URL('../../', import.meta.url);
const text = (file: string): string => readFileSync(new URL(file, root), 'utf8');
const {scripts} = JSON.parse(text('package.json')) as {scripts: Record<string, string>};

describe.each(['docs/architecture.md', 'CONTRIBUTING.md', 'docs/decisions.md', 'source/hub/README.md'])('%s', page => {
	const written = text(page);

	it('names existing files', () => {
		const named = [...written.matchAll(/`((?:source|test|supabase|bench|docs)\/[\w./-]+)`/g)].map(
			([, path]) => path ?? '',
		);
		expect(named.filter(path => !existsSync(new URL(path, root)))).toEqual(
			// Stands for whatever one adds.
			named.filter(path => path.includes('NAME')),
		);
	});

	it('names existing scripts', () => {
		const named = [...written.matchAll(/npm run ([\w:-]+)/g)].map(([, name]) => name ?? '');
		expect(named.filter(name => !(name in scripts))).toEqual([]);
	});

	it('links to existing pages', () => {
		const links = [...written.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, link]) => link ?? '');
		expect(links.filter(link => !existsSync(new URL(link, new URL(page, root))))).toEqual([]);
	});
});

it('explains at most forty words', () => {
	const words = text('docs/glossary.md').match(/^\| \*\*/gm) ?? [];
	expect(words.length).toBeGreaterThan(20);
	expect(words.length).toBeLessThanOrEqual(40);
});

it('lists the folders of the hub as they are', () => {
	const listed = [...text('source/hub/README.md').matchAll(/^\| `(\w+)\/`/gm)].map(([, name]) => name);
	const folders = readdirSync(new URL('source/hub', root), {withFileTypes: true}).filter(entry => entry.isDirectory());
	expect(new Set(listed)).toEqual(new Set(folders.map(({name}) => name)));
});
