import {describe, expect, it} from 'vitest';
import {desktopCommand} from '../../source/tui/terminal/desktop.ts';
import {notificationBytes} from '../../source/tui/terminal/notification.ts';
import {p} from '../../source/printable.ts';

describe('the bytes of a notification', () => {
	it.each([
		[{TERM: 'xterm-256color'}, '\u001B]9;CLAUDE_1: a; b\u001B\\'],
		[{TERM: 'foot'}, '\u001B]777;notify;agentmux;CLAUDE_1: a, b\u001B\\'],
		[{TERM: 'tmux-256color', TMUX: '/tmp/x,1,0'}, '\u001BPtmux;\u001B\u001B]9;CLAUDE_1: a; b\u001B\u001B\\\u001B\\'],
		[{TERM: 'linux'}, ''],
		[{TERM: 'screen', STY: '1.x'}, ''],
	])('are what %j knows', (env, bytes) => {
		expect(notificationBytes(p`CLAUDE_1: a; b`, env)).toBe(bytes);
	});

	it('are no command of Windows Terminal', () => {
		expect(notificationBytes(p`4;1;50`, {TERM: 'xterm'})).toBe('\u001B]9; 4;1;50\u001B\\');
	});
});

describe('the notification on a desktop', () => {
	it('passes texts as arguments, never as a script', () => {
		const mac = desktopCommand('darwin', 'agentmux', '" & do shell script "id');
		expect(mac?.args.slice(-2)).toEqual(['agentmux', '" & do shell script "id']);
		expect(mac?.args.filter(each => each.includes('do shell script'))).toHaveLength(1);
		expect(desktopCommand('linux', 'agentmux', '--help <b>')).toEqual({
			file: 'notify-send',
			args: ['--app-name=agentmux', '--', 'agentmux', '--help &lt;b&gt;'],
		});
		expect(desktopCommand('aix', 'a', 'b')).toBeNull();
	});
});
