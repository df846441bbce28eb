import {existsSync, readFileSync} from 'node:fs';
import {expect, test} from 'vitest';
import {attacks} from '../security/attacks.ts';

const page = readFileSync(new URL('../../SECURITY.md', import.meta.url), 'utf8');
const links = [...page.matchAll(/\[([^\]]+)\]\(([^)]+)\)/g)].map(([, text = '', to = '']) => ({text, to}));

test('SECURITY.md links each attack to the file that contains it, and no others', () => {
	const linked = links.filter(({to}) => to.startsWith('test/security/') && !to.endsWith('/run.ts'));
	expect([...new Set(linked.map(({text}) => text))].sort()).toEqual(attacks.map(({name}) => `\`${name}\``).sort());
	for (const {text, to} of linked) {
		const name = text.replaceAll('`', '');
		expect(readFileSync(new URL(`../../${to}`, import.meta.url), 'utf8')).toContain(`name: '${name}'`);
	}
});

test('every link leads somewhere', () => {
	for (const {to} of links.filter(({to}) => !to.startsWith('http'))) {
		const [file = ''] = to.split('#');
		expect([to, existsSync(new URL(`../../${file}`, import.meta.url))]).toEqual([to, true]);
	}
	expect(links.length).toBeGreaterThan(5);
});

test('every promise has an attack', () => {
	const rows = page.split('\n').filter(line => line.startsWith('| ') && !line.startsWith('| Promise'));
	expect(rows.length).toBeGreaterThan(5);
	for (const row of rows) expect(row).toMatch(/\]\(test\/[^)]+\) \|$/);
});
