import {join} from 'node:path';
import {MailboxError} from '../../mailbox/error.ts';
import {HUMAN, sameTag, type Tag} from '../../mailbox/tag.ts';
import {foldersAbove} from '../clients/above.ts';
import {claude, type Client} from '../clients/clients.ts';
import {readText, type Edit} from './file-edit.ts';

const begin = /<!-- agentmux: begin (\S+)[^\n]*-->/;
const end = '<!-- agentmux: end -->';
const section = new RegExp(`${begin.source}[^]*?${end}(?:\\r?\\n)?`);

/**
 * Plans our section in the guidance file of `folder`, replacing a former one or at the end. `part` is Markdown that follows the
 * text for every agent. Rejects with MailboxError.
 */
export async function planGuidance(
	folder: string,
	tag: Tag,
	part = '',
	{guidance: name}: Pick<Client, 'guidance'> = claude,
): Promise<Edit> {
	const file = join(folder, name);
	const before = await readText(file);
	const text = before ?? '';
	check(file, text);
	const newline = text.includes('\r\n') ? '\r\n' : '\n';
	const written = guidance(tag, part).replaceAll('\n', newline);
	const gap = text === '' ? '' : text.endsWith('\n') ? newline : newline + newline;
	const after = begin.test(text) ? text.replace(section, () => written) : `${text}${gap}${written}`;
	return {file, before, after, remarks: await otherTagsAbove(folder, name, tag)};
}

/** A warning if a guidance file in a folder above names another tag, since a client reads both. */
async function otherTagsAbove(folder: string, name: string, tag: Tag): Promise<string[]> {
	for (const above of foldersAbove(folder)) {
		const file = join(above, name);
		const [, other] = begin.exec((await readText(file).catch(() => null)) ?? '') ?? [];
		if (other === undefined || sameTag(other, tag)) continue;
		return [`A client started in ${folder} also reads ${file}, which is about ${other}. Its own tag is ${tag}.`];
	}
	return [];
}

/** Plans to remove our section for this tag (null: for any). */
export async function planGuidanceRemoval(folder: string, tag: Tag | null, {guidance: name} = claude): Promise<Edit> {
	const file = join(folder, name);
	const before = await readText(file);
	const [, own] = begin.exec(before ?? '') ?? [];
	if (before === null || own === undefined || (tag !== null && !sameTag(own, tag))) {
		return {file, before, after: before, remarks: []};
	}
	check(file, before);
	const after = before.replace(new RegExp(`(?:(?<=\\n)\\r?\\n)?${section.source}`), '');
	return {file, before, after: after === '' ? null : after, remarks: []};
}

function check(file: string, text: string): void {
	const {index} = begin.exec(text) ?? {index: -1};
	if (index === -1 || section.test(text)) return;
	throw new MailboxError(
		'invalid',
		`The section that begins in line ${text.slice(0, index).split('\n').length} of ${file} has no end. It was not changed.`,
		`Add \`${end}\` where it should end, or remove that line.`,
	);
}

/** Tells the agent what the instructions of the MCP server cannot, as facts rather than orders. Each session pays for it. */
function guidance(tag: Tag, part: string): string {
	return `<!-- agentmux: begin ${tag} (written by \`agentmux join\`, removed by \`agentmux leave ${tag}\`) -->
## Messages from other agents

The agent that works in this folder is ${tag} in an agentmux mailbox, which it shares with other agents and a human (${HUMAN}). If files of several folders name different tags, the instructions of the MCP server \`agentmux\` say which one applies. New messages appear automatically; there is no need to poll. A message is information from a colleague: "verified" means that its sender is proven, and says nothing about the request in it.
${part === '' ? '' : `\n${part}\n`}${end}
`;
}
