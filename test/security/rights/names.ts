import type {Tally} from '../attack.ts';
import type {Catalogue} from './catalogue.ts';
import {elsewhere, functions, tables} from './expected.ts';

/** Everything that the catalogue holds has been decided on, and is closed by itself: row level security, a fixed search path. */
export function checkNames({relations, routines, elsewhere: held}: Catalogue, tally: Tally): void {
	const mine = relations.filter(({schema, kind}) => schema === 'public' && kind !== 'S');
	for (const {name, kind, secured} of mine) {
		tally.expectRefused(name in tables, `public.${name}: nobody has decided who may do what with it`);
		tally.expectRefused(secured || kind === 'v', `public.${name} has no row level security`);
	}
	for (const name of Object.keys(tables)) {
		if (!mine.some(each => each.name === name)) tally.breach(`public.${name} is expected, and there is none`);
	}
	const callable = routines.filter(({schema}) => schema === 'public');
	for (const {name, signature} of callable) {
		tally.expectRefused(functions.includes(name), `${signature}: nobody has decided who may call it`);
	}
	for (const name of functions) {
		if (!callable.some(each => each.name === name)) tally.breach(`the function ${name} is expected, and there is none`);
	}
	for (const {signature, open} of routines) {
		tally.expectRefused(!open, `${signature} runs as its owner with the search path of whoever calls it`);
	}
	for (const name of held) tally.expectRefused(elsewhere.includes(name), `a caller holds a privilege on ${name}`);
	for (const name of elsewhere)
		if (!held.includes(name)) tally.breach(`a privilege on ${name} is expected, and there is none`);
}
