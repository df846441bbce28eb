/** A column of a table or view: the oid of the relation, and the number of the column. */
export interface Origin {
	readonly relation: number;
	readonly column: number;
}

export interface ViewDocument {
	readonly oid: number;
	/** The view's query as PostgreSQL stores it (pg_rewrite.ev_action). */
	readonly rule: string;
}

/** The table column behind each column of each view, also through several views; columns with expressions have none. */
export function viewOrigins(views: readonly ViewDocument[]): ReadonlyMap<number, ReadonlyMap<number, Origin>> {
	const direct = new Map(views.map(({oid, rule}) => [oid, directOrigins(rule)]));
	const follow = (origin: Origin, depth: number): Origin | null => {
		const above = direct.get(origin.relation);
		if (above === undefined) return origin;
		const next = above.get(origin.column);
		// Views cannot be circular, so this ends; the limit is for a damaged catalog.
		return next === undefined || depth > 100 ? null : follow(next, depth + 1);
	};
	return new Map(
		[...direct].map(([oid, columns]) => [
			oid,
			new Map(
				[...columns].flatMap(([number, origin]) => {
					const found = follow(origin, 0);
					return found === null ? [] : [[number, found] as const];
				}),
			),
		]),
	);
}

const brace = /\\.|[{}]|:resno (\d+) |:resorigtbl (\d+) :resorigcol (-?\d+) /gs;

/**
 * The target list of the outermost query of a rule. Nodes are in braces: the query is at the first level, its target entries are at the
 * second, and those of subqueries are deeper. Braces in names are escaped with a backslash.
 */
function directOrigins(rule: string): Map<number, Origin> {
	const origins = new Map<number, Origin>();
	let depth = 0;
	let number = 0;
	for (const [text, resno, relation, column] of rule.matchAll(brace)) {
		if (text === '{') depth += 1;
		else if (text === '}') depth -= 1;
		else if (depth === 2 && resno !== undefined) number = Number(resno);
		else if (depth === 2 && relation !== undefined && Number(relation) > 0 && Number(column) > 0) {
			origins.set(number, {relation: Number(relation), column: Number(column)});
		}
	}
	return origins;
}
