import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, it, onTestFinished} from 'vitest';
import {addressWithoutValues, openTrace} from '../../source/hub/files/trace.ts';
import {fire} from '../helpers/hook.ts';
import {Home} from '../helpers/program.ts';

async function traced(areas: string): Promise<{home: Home; text: string}> {
	const home = await Home.make();
	onTestFinished(() => home.dispose());
	const env = {AGENTMUX_TRACE: areas};
	await home.output(['join', 'CLAUDE_1', '--dir', home.path], {env});
	await home.output(['send', '--as', 'CLAUDE_1', 'the parcel is under the bridge @CLAUDE_1'], {env});
	await fire({home: home.path, tag: 'CLAUDE_1', event: 'SessionStart', env});
	const files = readdirSync(join(home.path, 'logs')).filter(name => name.startsWith('trace.log'));
	return {home, text: files.map(name => readFileSync(join(home.path, 'logs', name), 'utf8')).join('')};
}

it('writes what was asked, answered and decided, with times', async () => {
	const {text} = await traced('hub,gateway,hook');
	expect(text).toMatch(/^\S+Z \d+ hub POST \/rest\/v1\/messages\S* by authenticated CLAUDE_1: 201 in [\d.]+ ms$/m);
	expect(text).toMatch(/^\S+Z \d+ gateway POST \/rest\/v1\/messages\S*: 201 in [\d.]+ ms$/m);
	expect(text).toMatch(/^\S+Z \d+ hook SessionStart: hook_take: answered in \d+ ms$/m);
	expect(text).toMatch(/^\S+Z \d+ hook SessionStart --as CLAUDE_1: done after \d+ ms/m);
});

it('contains neither secrets nor the text of messages', async () => {
	const {home, text} = await traced('hub,gateway,hook');
	expect(text).not.toBe('');
	expect(text).not.toContain('bridge');
	const keys = JSON.parse(readFileSync(join(home.path, 'data/keys.json'), 'utf8')) as Record<string, string>;
	const {token} = JSON.parse(readFileSync(join(home.path, 'data/agents/CLAUDE_1.json'), 'utf8')) as {token: string};
	for (const secret of [...Object.values(keys), token]) expect(text).not.toContain(secret);
	expect(addressWithoutValues('/realtime/v1/websocket?apikey=SECRET&vsn=1.0.0')).toBe(
		'/realtime/v1/websocket?apikey&vsn',
	);
});

it('writes only the named areas', async () => {
	const {text} = await traced('hook');
	expect(text).toMatch(/ hook /);
	expect(text).not.toMatch(/ (?:hub|gateway) /);
	expect(openTrace('hub', '/nonexistent', {})).toBeUndefined();
});
