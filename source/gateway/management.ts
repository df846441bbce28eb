import {MailboxError} from '../mailbox/error.ts';
import type {Json} from '../mailbox/json.ts';
import {longest} from './link/busy.ts';
import {refusal, strange, unreachable} from './link/failure.ts';
import type {Transport} from './link/link.ts';
import {RequestTimeout} from './link/request-timeout.ts';

/** Access to the Management API of a Supabase: `https://api.supabase.com`, or the hub itself. */
export interface Management {
	readonly url: string;
	readonly project_ref: string;
	/** A personal access token; for the hub, its service_role key. */
	readonly token: string;
	/** For the hub: how to reach it other than over the network. */
	readonly transport?: Transport;
}

/** Milliseconds. While the hub says that it is at work on a statement, they do not count: the hub knows how long that may run. */
const defaultTimeout = 60_000;

/**
 * Runs SQL as the owner of the database, as the stock Supabase MCP server does, and resolves with the rows of the last
 * statement. Rejects with a MailboxError: `invalid`, with PostgreSQL's own message, for SQL that PostgreSQL rejects.
 */
export async function runSql(
	{url, project_ref, token, transport}: Management,
	query: string,
	{readOnly = false, timeout = defaultTimeout}: {readonly readOnly?: boolean; readonly timeout?: number} = {},
): Promise<{readonly [column: string]: Json}[]> {
	const base = url.replace(/\/$/, '');
	const address = `${base}/v1/projects/${encodeURIComponent(project_ref)}/database/query`;
	const late = new RequestTimeout(timeout, async () => transport !== undefined && isBusy(transport, base));
	try {
		const response = await (transport?.ask ?? fetch)(address, {
			method: 'POST',
			headers: {authorization: `Bearer ${token}`, 'content-type': 'application/json'},
			body: JSON.stringify({query, read_only: readOnly}),
			signal: late.signal,
		});
		late.answered();
		const text = await response.text();
		if (response.status === 400) throw new MailboxError('invalid', `The database rejected this: ${messageIn(text)}`);
		if (!response.ok) throw refusal(url, response.status, text);
		return rowsIn(url, text);
	} catch (error) {
		throw unreachable(url, error, timeout);
	} finally {
		late.end();
	}
}

/** Whether the hub, which can say so without its database, is at work on a statement. */
async function isBusy(transport: Transport, url: string): Promise<boolean> {
	try {
		const signal = AbortSignal.timeout(3000);
		const response = await transport.ask(`${url}/health`, {method: 'GET', headers: {}, signal});
		return response.ok && longest(JSON.parse(await response.text())) !== null;
	} catch {
		return false;
	}
}

function rowsIn(url: string, text: string): {readonly [column: string]: Json}[] {
	try {
		const rows = JSON.parse(text) as Json;
		if (Array.isArray(rows)) return rows as {[column: string]: Json}[];
	} catch (error) {
		if (!(error instanceof SyntaxError)) throw error;
	}
	throw strange(url, 'no rows');
}

function messageIn(text: string): string {
	try {
		const {message} = JSON.parse(text) as {readonly message?: unknown};
		if (typeof message !== 'string') return text;
		// Our messages have one line.
		return message.replace(/^Failed to run sql query: /, '').replaceAll(/\n(?=(?:DETAIL|HINT): )/g, ' ');
	} catch {
		return text;
	}
}
