import type {Transport} from '@modelcontextprotocol/sdk/shared/transport.js';
import type {JSONRPCMessage} from '@modelcontextprotocol/sdk/types.js';
import {expect, test, vi} from 'vitest';
import {withAfterAnswer} from '../../source/mcp/session/after-answer.ts';

const answer = (id: number, result: object = {}): JSONRPCMessage => ({jsonrpc: '2.0', id, result: {...result}});

function rig({
	send = async () => undefined,
	flushed,
}: {send?: () => Promise<void>; flushed?: () => Promise<void>} = {}) {
	const inner: Transport = {start: async () => undefined, close: async () => undefined, send};
	const failed = vi.fn();
	const transport = withAfterAnswer(inner, {failed, ...(flushed === undefined ? {} : {flushed})});
	const work = vi.fn(async () => undefined);
	const lost = vi.fn(async () => undefined);
	const request = new AbortController();
	transport.afterAnswer(1, {written: work, lost}, request.signal);
	return {transport, work, lost, failed, cancel: () => request.abort()};
}

test('the work waits until its response has left the process, and runs once', async () => {
	const gone = Promise.withResolvers<void>();
	const {transport, work, lost, cancel} = rig({flushed: () => gone.promise});
	await transport.send(answer(2));
	await transport.send({jsonrpc: '2.0', method: 'notifications/progress', params: {}});
	await transport.send(answer(1));
	expect(work).not.toHaveBeenCalled();
	gone.resolve();
	await transport.settled();
	expect(work).toHaveBeenCalledOnce();
	await transport.send(answer(1));
	cancel();
	await transport.settled();
	expect(work).toHaveBeenCalledOnce();
	expect(lost).not.toHaveBeenCalled();
});

test('a response that is an error, or that cannot be sent, does not count', async () => {
	const wrong = rig();
	await wrong.transport.send(answer(1, {isError: true}));
	const refused = rig();
	await refused.transport.send({jsonrpc: '2.0', id: 1, error: {code: -32_603, message: 'x'}});
	const broken = rig({send: () => Promise.reject(new Error('closed'))});
	await expect(broken.transport.send(answer(1))).rejects.toThrow('closed');
	const stuck = rig({flushed: () => Promise.reject(new Error('nobody reads'))});
	await stuck.transport.send(answer(1));
	const cancelled = rig();
	cancelled.cancel();
	const unread = rig({send: () => new Promise(() => undefined)});
	unread.transport.send(answer(1)).catch(() => undefined);
	unread.cancel();
	for (const {transport, work, lost} of [wrong, refused, broken, stuck, cancelled, unread]) {
		await transport.settled();
		expect(work).not.toHaveBeenCalled();
		expect(lost).toHaveBeenCalledOnce();
	}
	expect(stuck.failed).toHaveBeenCalledWith(new Error('nobody reads'));
});

test('an error in the work is reported, and does not change the response', async () => {
	const {transport, failed} = rig();
	const gone = () => Promise.reject(new Error('the hub is gone'));
	transport.afterAnswer(1, {written: gone, lost: gone}, new AbortController().signal);
	await transport.send(answer(1));
	await transport.settled();
	expect(failed).toHaveBeenCalledWith(new Error('the hub is gone'));
});
