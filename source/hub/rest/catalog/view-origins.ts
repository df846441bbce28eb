/** A column of a table or view, by the numbers that the catalog knows them by. */
export interface Origin {
	readonly relation: number;
	readonly column: number;
}

export interface ViewDocument {
	readonly oid: number;
	/** The view's query as PostgreSQL keeps it (pg_rewrite.ev_action). */
	readonly rule: string;
}

/**
 * Where the columns of each view come from, through views over views down to tables; a column that is computed comes from
 * nowhere. By view, then by the number of its column.
 */
export function viewOrigins(views: readonly ViewDocument[]): ReadonlyMap<number, ReadonlyMap<number, Origin>> {
	const direct = new Map(views.map(({oid, rule}) => [oid, directOrigins(rule)]));
	const follow = (origin: Origin, depth: number): Origin | null => {
		const above = direct.get(origin.relation);
		if (above === undefined) return origin;
		const next = above.get(origin.column);
		// A view can be replaced by one over itself's children only, so this ends; the bound is for a catalog that lies.
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
 * The target list of the outermost query of a rule. Each node stands in braces: the query is the first, its target entries
 * the second level; those of queries inside it lie deeper. A backslash escapes braces in names.
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
