import type {Attempt} from '../attack.ts';
import type {Target} from '../target.ts';
import type {Catalogue} from './catalogue.ts';
import {elsewhere, functions, tables} from './expected.ts';
import {tagOf} from './rest.ts';

/** Every relation by every operation and every function, in every schema, by an agent's own SQL. */
export async function askSql(
	target: Target,
	{tally}: Pick<Attempt, 'tally'>,
	catalogue: Catalogue,
	token: string,
): Promise<void> {
	const run = async (query: string): Promise<string | null> => {
		const {status, text} = await target.ask(token, 'POST', '/v1/projects/local/database/query', {query});
		return status < 300 ? null : text;
	};
	const differs = (sql: string, may: boolean, said: string | null): void => {
		// Refused for its rights, or because no such statement is taken; anything else got past that.
		const refused = said !== null && /42501|permission denied|must be owner|0A000|not allowed|cannot/.test(said);
		if (refused !== may) {
			if (!may) tally.refuse();
			return;
		}
		tally.breach(
			`agents' SQL, ${target.engine}: ${sql}: ${may ? 'may not, and should' : 'may, and should not'}: ${said}`,
		);
	};
	for (const {schema, name, kind, columns} of catalogue.relations) {
		const relation = `"${schema}"."${name}"`;
		const may = schema === 'public' ? (tables[name]?.may.agent ?? '') : '';
		// Granted by Supabase to everyone, and empty for whom no policy names.
		if (schema === 'realtime' && elsewhere.includes(`realtime.${name}`)) continue;
		if (kind === 'S') {
			for (const sql of [
				`select last_value from ${relation}`,
				`select nextval('${relation}')`,
				`select setval('${relation}', 1)`,
			]) {
				differs(sql, false, await run(sql));
			}
			continue;
		}
		// A table that is there to be locked alone has none; this one PostgreSQL gives to all.
		const [first = 'ctid'] = columns;
		// The first is often an identity column, which cannot be set.
		const last = columns.at(-1);
		const inserted = tables[name]?.row?.(tagOf('agent'));
		const insert = inserted === undefined ? 'default values' : `(content) values ('${String(inserted['content'])}')`;
		for (const [sql, allowed] of [
			[`select * from ${relation} limit 1`, may.includes('s')],
			[`insert into ${relation} ${insert}`, may.includes('i')],
			...(last === undefined ? [] : ([[`update ${relation} set "${last}" = "${last}"`, may.includes('u')]] as const)),
			[`delete from ${relation}`, may.includes('d')],
			[`truncate ${relation}`, false],
			[`alter table ${relation} add column planted int`, false],
			[`drop table ${relation}`, false],
			[`create index on ${relation} ("${first}")`, false],
			[`comment on table ${relation} is 'planted'`, false],
		] as const) {
			differs(sql, allowed, await run(sql));
		}
	}
	for (const {schema, name, signature, parameters, triggers} of catalogue.routines) {
		if (triggers) continue;
		const types =
			/\((.*)\)/
				.exec(signature)?.[1]
				?.split(',')
				.filter(type => type !== '') ?? [];
		// A constant null would let the planner leave out the call of a strict function, and with it the question of rights.
		const sql = `select "${schema}"."${name}"(${types.map(type => `(select null::${type})`).join(', ')})`;
		const said = await run(sql);
		const known = schema === 'public' ? functions.includes(name) : elsewhere.includes(signature);
		// What it may call may still say no, by who it is and with what it is called.
		if (!known) differs(sql, false, said);
		else if (said !== null && /permission denied for function/.test(said)) differs(sql, true, said);
		else if (parameters.length !== types.length) tally.breach(`${signature}: its parameters were not understood`);
	}
}
