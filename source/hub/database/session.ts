import type {Scope, Statement} from './database.ts';

/** The statements that apply a scope to a transaction, as PostgREST does it. */
export function scopeStatements(scope: Scope): Statement[] {
	const readOnly = scope.readOnly === true ? [{text: 'set transaction read only', isPrepared: true}] : [];
	return [...readOnly, setStatement(scope, true)];
}

/** `local`: for the transaction only. `role` comes last, because the role may lack the right to set the others. */
export function setStatement({role, claims, settings}: Scope, local: boolean): Statement {
	const all = {...settings, 'request.jwt.claims': JSON.stringify(claims), role};
	const entries = Object.entries(all);
	const calls = entries.map((_, index) => `set_config($${index * 2 + 1}, $${index * 2 + 2}, ${local})`);
	return {text: `select ${calls.join(', ')}`, values: entries.flat(), isPrepared: true};
}

/** A value in a text form that PostgreSQL can parse. */
export function asText(value: unknown): string {
	if (typeof value === 'string') return value;
	return typeof value === 'object' ? JSON.stringify(value) : `${value as number | boolean | bigint}`;
}

/** A name as a quoted identifier. */
export function quoteIdentifier(name: string): string {
	return `"${name.replaceAll('"', '""')}"`;
}
