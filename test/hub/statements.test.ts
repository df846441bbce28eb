import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {parseArray} from '../../source/hub/database/array-text.ts';
import {splitStatements} from '../../source/hub/database/split-statements.ts';

describe('splitStatements', () => {
	it('splits at semicolons and drops empty statements', () => {
		expect(splitStatements(' select 1 ;; select 2;\n-- the end\n;/* ; */')).toEqual(['select 1', 'select 2']);
	});

	it.each([
		`select ';'`,
		`select 'it''s; one'`,
		`select E'\\';'`,
		`select "a;b"`,
		`select "a"";b"`,
		`do $$ begin; end $$`,
		`do $body$ select $$;$$; $body$`,
		`select 1 -- ; not yet\n + 1`,
		`select /* ; /* ; */ ; */ 1`,
		`select $1, a$b$c`,
		`create function f() returns int begin atomic select case when true then 1 end; select 2; end`,
		`select U&'\\0061;'`,
	])('treats %s as one statement', statement => {
		expect(splitStatements(`${statement};\nselect 2`)).toEqual([statement, 'select 2']);
	});

	it('splits joined statements, whatever is in quotes', () => {
		const quoted = fc.oneof(
			fc.string().map(text => `'${text.replaceAll("'", "''")}'`),
			fc.string().map(text => `"${text.replaceAll('"', '""')}"`),
			fc.string().map(text => `$q$${text.replaceAll('$', '')}$q$`),
			fc.string().map(text => `/*${text.replaceAll(/[*/]/g, '')}*/ x`),
			fc.string().map(text => `--${text.replaceAll('\n', '')}\nx`),
		);
		const statement = fc.array(quoted, {minLength: 1}).map(parts => `select ${parts.join(' , ')} from t`);
		fc.assert(
			fc.property(fc.array(statement), statements => {
				expect(splitStatements(statements.join(';\n'))).toEqual(statements);
			}),
		);
	});

	it('ends on any text', () => {
		fc.assert(
			fc.property(fc.string(), text => {
				expect(splitStatements(text).join('').length).toBeLessThanOrEqual(text.length);
			}),
		);
	});
});

describe('parseArray', () => {
	it('reads what PostgreSQL writes', () => {
		expect(parseArray('{}')).toEqual([]);
		expect(parseArray('{a,NULL,"NULL","b c","q\\"\\\\",""}')).toEqual(['a', null, 'NULL', 'b c', 'q"\\', '']);
		expect(parseArray('{{1,2},{3,4}}')).toEqual([
			['1', '2'],
			['3', '4'],
		]);
		expect(parseArray('[0:1]={a,b}')).toEqual(['a', 'b']);
	});

	it('parses any elements', () => {
		fc.assert(
			fc.property(fc.array(fc.option(fc.string())), elements => {
				const text = elements.map(element =>
					element === null ? 'NULL' : `"${element.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`,
				);
				expect(parseArray(`{${text.join(',')}}`)).toEqual(elements);
			}),
		);
	});
});
