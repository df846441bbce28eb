import type {Answer, Target} from '../target.ts';
import type {Attempt} from '../attack.ts';
import type {Catalogue} from './catalogue.ts';
import {functions, roles, samples, tables, type Role} from './expected.ts';

export type Tokens = Readonly<Record<Role, string>>;

/** Every table by every operation and every function, as every role, over REST. */
export async function askRest(
	target: Target,
	{tally}: Pick<Attempt, 'tally'>,
	catalogue: Catalogue,
	tokens: Tokens,
): Promise<void> {
	const {engine} = target;
	const differs = (what: string, may: boolean, expected: boolean, {status, text}: Answer): void => {
		if (may === expected) {
			// What is allowed is the control: without it everything would be refused by a mistake.
			if (!may) tally.refuse();
			return;
		}
		const verdict = may ? 'may, and should not' : 'may not, and should';
		tally.breach(`REST, ${engine}: ${what}: ${verdict}: ${status} ${text.slice(0, 200)}`);
	};
	for (const {schema, name, columns} of catalogue.relations) {
		if (schema !== 'public' || columns.length === 0) continue;
		const {may = {}, row, columns: given = []} = tables[name] ?? {};
		const path = `/rest/v1/${name}`;
		const [first = ''] = columns;
		const all = `or=(${first}.is.null,${first}.not.is.null)`;
		const none = `${first}=is.null&${first}=not.is.null`;
		for (const role of roles) {
			const allowed = may[role] ?? '';
			const as = (method: string, query: string, body?: unknown): Promise<Answer> =>
				target.ask(tokens[role], method, `${path}?${query}`, body, {prefer: 'return=representation'});
			const read = await as('GET', 'limit=1');
			differs(`${role} select ${name}`, hasRows(read), allowed.includes('s'), read);
			// The owner's own key would do it: there it must not touch a row.
			const filter = role === 'service' ? none : all;
			const touched = (answer: Answer): boolean => (role === 'service' ? !isRefused(answer) : hasRows(answer));
			const deleted = await as('DELETE', filter);
			differs(`${role} delete ${name}`, touched(deleted), allowed.includes('d'), deleted);
			for (const column of columns) {
				const answer = await as('PATCH', filter, {[column]: null});
				const may = touched(answer) || (role !== 'service' && !isRefused(answer) && answer.status >= 300);
				if (!isGenerated(answer)) differs(`${role} update ${name} (${column})`, may, allowed.includes('u'), answer);
				if (role === 'service') continue;
				const inserted = await as('POST', '', {...row?.(tagOf(role)), [column]: row?.(tagOf(role))[column] ?? null});
				const mayInsert = allowed.includes('i') && given.includes(column);
				differs(
					`${role} insert ${name} (${column})`,
					!isRefused(inserted) && !isGenerated(inserted),
					mayInsert,
					inserted,
				);
			}
		}
	}
	for (const {schema, name, signature, parameters, triggers} of catalogue.routines) {
		if (schema !== 'public') continue;
		const nulls = Object.fromEntries(parameters.filter(each => each !== '').map(each => [each, null]));
		const body = samples[name] ?? nulls;
		for (const role of roles) {
			// The service key is the owner's hand; what it may not do by a function it may do by SQL.
			if (role === 'service') continue;
			const answer = await target.ask(tokens[role], 'POST', `/rest/v1/rpc/${name}`, body);
			const member = role === 'agent' || role === 'human';
			const expected = !triggers && member && functions.includes(name);
			const may = member ? !isRefused(answer) : !isRefused(answer) && !isEmpty(answer);
			// A member may be refused by the function itself, by who it is: that is what its own tests are about.
			if (member && expected && isForbiddenByItself(answer)) continue;
			differs(`${role} call ${signature}`, may, expected, answer);
		}
	}
}

/** The tags of the matrix. */
export function tagOf(role: Role): string {
	return `MATRIX_${role.toUpperCase()}`;
}

function hasRows({status, json}: Answer): boolean {
	return status < 300 && Array.isArray(json) && json.length > 0;
}

function isRefused({status, json}: Answer): boolean {
	const {code = ''} = (json ?? {}) as {code?: string};
	return [401, 403, 406].includes(status) || code === '42501' || (status === 404 && !code.startsWith('42'));
}

/** Refused to everyone: generated columns cannot be set. */
function isGenerated({json}: Answer): boolean {
	return (json as {code?: string} | null)?.code === '428C9';
}

/** An answer with nothing in it. */
function isEmpty({status, text, json}: Answer): boolean {
	return (
		status < 300 &&
		(text === '' || json === null || json === false || json === 0 || (Array.isArray(json) && json.length === 0))
	);
}

function isForbiddenByItself({json}: Answer): boolean {
	const {code, message = ''} = (json ?? {}) as {code?: string; message?: string};
	return code === '42501' && !message.startsWith('permission denied for');
}
