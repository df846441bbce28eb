import type {Database} from '../database/database.ts';
import {ownScope} from './catalog.ts';

/**
 * Wraps `onNotice` for `listen`: passes it each notice together with the database's secret key. Anyone may NOTIFY, but only the database's
 * own triggers can read the key, which they put at the start of each notice. Notices wait until the key has been read; if that fails, the
 * next notice tries again.
 */
export function withNoticeKey(
	database: Database,
	onNotice: (text: string, key: string) => void,
	onError: (error: unknown) => void,
): (text: string) => void {
	let key: string | null = null;
	let asking = false;
	const waiting: string[] = [];
	const pass = (text: string, known: string): void => {
		try {
			onNotice(text, known);
		} catch (error) {
			onError(error);
		}
	};
	const ask = async (): Promise<void> => {
		asking = true;
		try {
			const [result] = await database.run(ownScope, [{text: 'select key from realtime.notice_key'}]);
			const found = result?.rows[0]?.['key'];
			key = typeof found === 'string' ? found : '';
			for (const text of waiting.splice(0)) pass(text, key);
		} catch (error) {
			onError(error);
		} finally {
			asking = false;
		}
	};
	void ask();
	return text => {
		if (key !== null) return pass(text, key);
		waiting.push(text);
		if (!asking) void ask();
	};
}
