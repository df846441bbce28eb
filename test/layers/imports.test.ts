import {expect, test} from 'vitest';
import {imports} from './imports.ts';
import {forms} from './plant.ts';

test.each(forms.map(({kind, code}) => ({kind, text: code('../b/c.ts')})))('$text is $kind', ({kind, text}) => {
	expect(imports('source/a/d.ts', `\n${text}`)).toEqual([
		{specifier: '../b/c.ts', resolved: 'source/b/c.ts', kind, line: 2},
	]);
});

test.each(['// import "x";', 'const text = "import \'x\'";', 'const x = required("x");', 'const {x} = x;'])(
	'%s imports nothing',
	text => {
		expect(imports('a.ts', text)).toEqual([]);
	},
);

test('an import of types and of a value is static', () => {
	expect(imports('a.ts', "import {type A, b} from 'c';")).toEqual([
		{specifier: 'c', resolved: null, kind: 'static', line: 1},
	]);
});

test.each([
	{text: 'import(`./a.ts`)', specifier: './a.ts', kind: 'dynamic'},
	{text: 'import(`./${name}.ts`)', specifier: '`./${name}.ts`', kind: 'computed'},
	{text: 'import(name)', specifier: 'name', kind: 'computed'},
	{text: "import.meta.resolve('ink')", specifier: 'ink', kind: 'require'},
])('$text is $kind', ({text, specifier, kind}) => {
	expect(imports('b.ts', text)).toEqual([expect.objectContaining({specifier, kind})]);
});

test('a file that cannot be parsed is named', () => {
	expect(() => imports('a.ts', 'import {')).toThrow(/^a\.ts: /);
});
