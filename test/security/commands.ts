/** Every command that prints what others wrote, or what is kept here. `thread` and `tasks show` are of the ids 1. */
export const printing: readonly (readonly string[])[] = [
	[],
	['tail'],
	['inbox'],
	['search', 'hostile'],
	['thread', '1'],
	['timeline'],
	['agents'],
	['tasks'],
	['tasks', 'show', '1'],
	['watch'],
	['config'],
	['hub', 'status'],
	['hub', 'logs'],
	['sql', 'select * from messages order by id'],
	['sql', 'select * from tasks'],
	['sql', 'select * from agents'],
];

/** The same where --json is known. */
export const printingJson: readonly (readonly string[])[] = printing
	.filter(([name, second]) => name !== undefined && second !== 'logs')
	.map(words => [...words, '--json']);

/** Commands that end in a refusal, each for another reason. */
export const failing: readonly (readonly string[])[] = [
	['nonsense'],
	['send'],
	['tail', '--nonsense'],
	['thread', '999999'],
	['tasks', 'show', '999999'],
	['tasks', 'finish', '1', '--token', '99'],
	['agents', 'revoke', 'NOBODY'],
	['sql', 'select * from nowhere'],
	['sql', "select 1 / (select count(*) from messages where content = 'none')"],
	['join', 'not a tag'],
	['hub', 'backup', '/nonexistent/file.tar.gz'],
	['hub', 'restore', '/nonexistent/file.tar.gz'],
];
