import {realpathSync} from 'node:fs';
import {resolve} from 'node:path';

/*
 * Which files a client's tools have edited, by the input of its hooks. A shell command may edit anything; that is not seen.
 */

/** By tool: the field of its input that names the file. */
const fields: {readonly [tool: string]: string} = {
	Edit: 'file_path',
	MultiEdit: 'file_path',
	Write: 'file_path',
	NotebookEdit: 'notebook_path',
	// Gemini CLI.
	write_file: 'file_path',
	replace: 'file_path',
};

interface Call {
	readonly tool_name?: unknown;
	readonly tool_input?: unknown;
	readonly tool_response?: unknown;
}

/** The files of those calls that did not fail; each as the tool names it. */
export function editsIn(calls: unknown): string[] {
	if (!Array.isArray(calls)) return [];
	return (calls as (Call | null)[]).flatMap(call => {
		const {tool_name: tool, tool_input: input, tool_response: response} = call ?? {};
		if (typeof tool !== 'string' || typeof input !== 'object' || input === null || hasFailed(response)) return [];
		const given = input as {readonly [name: string]: unknown};
		const field = Object.hasOwn(fields, tool) ? fields[tool] : undefined;
		if (field !== undefined) return typeof given[field] === 'string' ? [given[field]] : [];
		return tool === 'apply_patch' || tool === 'Bash' ? patched(given['command'] ?? given['input']) : [];
	});
}

/** The files of a patch of Codex, which it may also run as a command. */
function patched(patch: unknown): string[] {
	if (typeof patch !== 'string' || !patch.includes('*** Begin Patch')) return [];
	return [...patch.matchAll(/^\*\*\* (?:Add File|Update File|Delete File|Move to): (.+)$/gm)].map(([, file = '']) =>
		file.trim(),
	);
}

function hasFailed(response: unknown): boolean {
	if (typeof response === 'string') return response.startsWith('<tool_use_error>');
	const {error} = (typeof response === 'object' && response !== null ? response : {}) as {readonly error?: unknown};
	return error !== undefined && error !== null;
}

/** One name for each file, whatever links lead to it. `folder`: where the client works. */
export function filesOf(edits: readonly string[], folder: string | null): string[] {
	const files = edits.map(edit => {
		const path = resolve(folder ?? '', edit);
		try {
			return realpathSync(path);
		} catch {
			// It was removed again.
			return path;
		}
	});
	return [...new Set(files)];
}
