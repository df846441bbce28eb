import {expect, it} from 'vitest';
import {readmeWithKeys} from './keys.ts';

it('prints the keys of the keymap in the README (npm run readme-keys writes them)', async () => {
	const {now, wanted} = await readmeWithKeys();
	expect(now).toBe(wanted);
});
