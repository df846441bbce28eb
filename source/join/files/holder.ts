import {join} from 'node:path';
import type {Tag} from '../../mailbox/tag.ts';
import {isTag, sameTag} from '../../mailbox/tag.ts';
import type {Client} from '../clients/clients.ts';
import {readText} from './file-edit.ts';

/**
 * The agent whose mailbox server the client's file in `folder` starts; null if there is none. It does not parse the file, which
 * may be one that is not ours to complain about.
 */
export async function holderIn(folder: string, {servers}: Client): Promise<Tag | null> {
	const text = (await readText(join(folder, servers)).catch(() => null)) ?? '';
	return tagServed(text);
}

/** Whether the text of a client's file starts the agent's mailbox server. */
export function serves(text: string, tag: Tag): boolean {
	const served = tagServed(text);
	return served !== null && sameTag(served, tag);
}

function tagServed(text: string): Tag | null {
	const [, tag = ''] = /"mcp",\s*"--as",\s*"([^"\s]+)"/.exec(text) ?? [];
	return isTag(tag) ? tag : null;
}
