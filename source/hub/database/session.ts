import type {Scope, Statement} from './database.ts';

/** What makes a transaction run as the scope says, PostgREST's way. */
export function scopeStatements(scope: Scope): Statement[] {
	const readOnly = scope.readOnly === true ? [{text: 'set transaction read only'}] : [];
	return [...readOnly, setStatement(scope, true)];
}

/** `local`: for the transaction, not for the session. `role` comes last: it may not be allowed to set the rest. */
export function setStatement({role, claims, settings}: Scope, local: boolean): Statement {
	const all = {...settings, 'request.jwt.claims': JSON.stringify(claims), role};
	const entries = Object.entries(all);
	const calls = entries.map((_, index) => `set_config($${index * 2 + 1}, $${index * 2 + 2}, ${local})`);
	return {text: `select ${calls.join(', ')}`, values: entries.flat()};
}

/** A value as PostgreSQL reads it by itself. */
export function asText(value: unknown): string {
	if (typeof value === 'string') return value;
	return typeof value === 'object' ? JSON.stringify(value) : `${value as number | boolean | bigint}`;
}

/** A name as SQL writes it. */
export function quoted(name: string): string {
	return `"${name.replaceAll('"', '""')}"`;
}
