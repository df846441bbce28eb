import type {HookRoom} from '../hook/mail.ts';
import type {ClientId} from './dialect.ts';

const characters = (text: string): number => text.length;

/**
 * What a client shows to its model of a hook's text: Claude Code cuts it at 10,000 characters, Codex cuts out the middle of what
 * has more than 10,000 bytes. Gemini CLI shows all of it.
 */
const rooms: {readonly [id in ClientId]: HookRoom} = {
	claude: {size: characters, max: 10_000, bytes: 7500},
	codex: {size: text => Buffer.byteLength(text), max: 9800, bytes: 7500},
	gemini: {size: characters, max: 10_000, bytes: 7500},
};

export function hookRoom(client: ClientId): HookRoom {
	return rooms[client];
}
