/**
 * Bytes of UTF-8 that a tool's answer may have, as JSON, so that a client shows it to its model whole. Claude Code puts more than
 * 50,000 characters into a file, and Gemini CLI more than 40,000; Codex cuts out the middle of what has more than some 10,000 bytes.
 * Clients give their names at `initialize`.
 */
const rooms = new Map([
	['claude-code', 46_000],
	['gemini-cli-mcp-client', 36_000],
]);
const smallRoom = 9000;

/** The room in answers to the client of that name. */
export function roomFor(client: string | undefined): number {
	return rooms.get(client ?? '') ?? smallRoom;
}

/** Bytes of an answer that are kept for its first and last lines. */
export const margin = 900;
