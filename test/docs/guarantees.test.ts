import {existsSync, readFileSync} from 'node:fs';
import {expect, test} from 'vitest';
import {faultsOf} from '../faults/all.ts';
import type {Fault} from '../faults/faults.ts';

const page = readFileSync(new URL('../../docs/guarantees.md', import.meta.url), 'utf8');
const [promised = '', others = ''] = page.split('\n## What is not promised\n');
const linksIn = (text: string): {text: string; to: string}[] =>
	[...text.matchAll(/\[([^\]]+)\]\(([^)]+)\)/g)].map(([, text = '', to = '']) => ({text, to}));
const names = new Set([...faultsOf('short'), ...faultsOf('long')].map(({what}) => what.replaceAll('`', '')));

test('every promise names the test that shows it', () => {
	const promises = promised.split('\n## ').slice(1);
	expect(promises.map(text => text.split('\n')[0])).toEqual([
		'Stored',
		'Shown',
		'Handed over',
		'Tasks',
		'Served meanwhile',
		'What you write offline',
	]);
	for (const promise of promises) {
		expect(promise).toMatch(/\*\*[^*]+\.\*\*/);
		expect(linksIn(promise).filter(({to}) => to.startsWith('../test/'))).not.toEqual([]);
	}
});

test('every fault that is named is in the suite, in the file that the link leads to', async () => {
	const named = linksIn(page).filter(({to}) => to.startsWith('../test/faults/'));
	expect(named.length).toBeGreaterThan(10);
	for (const {text, to} of named) {
		const name = text.slice(1, -1);
		expect(names).toContain(name);
		const file = (await import(new URL(`../../docs/${to}`, import.meta.url).href)) as Record<string, unknown>;
		const there = Object.values(file).filter(Array.isArray).flat() as Fault[];
		expect([to, there.map(({what}) => what.replaceAll('`', ''))]).toEqual([to, expect.arrayContaining([name])]);
	}
});

test('every link leads somewhere', () => {
	for (const {to} of linksIn(page).filter(({to}) => !to.startsWith('http'))) {
		const [file = ''] = to.split('#');
		expect([to, existsSync(new URL(`../../docs/${file}`, import.meta.url))]).toEqual([to, true]);
	}
	expect(others).toContain('<!-- faults -->');
});

test('the table has no line for a fault that was removed', () => {
	const rows = others.split('\n').flatMap(line => /^\| (.*?) +\| (?:PGlite|PostgreSQL) +\|/.exec(line)?.[1] ?? []);
	for (const row of rows) expect(names).toContain(row.replaceAll('`', ''));
});
