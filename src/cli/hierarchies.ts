/** `evpki ca apply`: shows what a declared hierarchy would change, asks, and has it done. */

import type { Command } from 'commander';
import { parseDocument } from 'yaml';
import { errorCodes } from '../services/errors.ts';
import type { AppliedHierarchy, HierarchyStep } from './api-bodies.ts';
import { Failure, usageFailure } from './failure.ts';
import { confirm, readInput } from './input.ts';
import { colorsFor, type Io, note, printable, printableJson } from './io.ts';
import { type Session, withSession } from './session.ts';
import { table, widthOf } from './table.ts';

/** Keys take their time: hundreds of authorities, RSA among them. */
const APPLY_MILLISECONDS = 600_000;

interface ApplyOptions {
  readonly dryRun?: true;
  readonly yes?: true;
  readonly allowDemo?: true;
  readonly json?: true;
}

/** As much of a declaration as is looked at here; the service checks all of it. */
interface Declaration {
  readonly authorities?: Readonly<Record<string, { readonly under?: unknown } | undefined>>;
}

export function addHierarchies(program: Command, io: Io): void {
  const group = program.command('ca').description('declared hierarchies: apply').helpCommand(false);
  group
    .command('apply')
    .description(
      'Shows what a declared hierarchy would change, asks, and applies it. Nothing is ever deleted or re-keyed; applying again changes nothing.',
    )
    .argument('<file>', 'the declaration, such as ca/demo.yaml; - for standard input')
    .option('--dry-run', 'only show the plan')
    .option('--yes', 'do not ask; needed where there is no terminal')
    .option('--allow-demo', 'apply a `demo: true` hierarchy to a service that is no demo')
    .option('--json', "print the API's answer")
    .action((file: string, options: ApplyOptions) => apply(file, options, io));
}

async function apply(file: string, options: ApplyOptions, io: Io): Promise<void> {
  const declaration = readDeclaration(file, (await readInput(io, file)).toString('utf8'));
  const isAsked = !options.dryRun && !options.yes;
  if (isAsked && (io.stdin.isTTY !== true || file === '-')) {
    throw usageFailure('there is nobody to ask', 'Look at it with --dry-run, apply it with --yes.');
  }
  await withSession(io, async (session) => {
    const plan = await send(session, declaration, options, true);
    const differing = plan.steps.filter(({ action }) => action === 'differs');
    const isNothing = plan.steps.every(({ action }) => ['unchanged', 'await'].includes(action));
    if (!options.json) showPlan(plan, io);
    if (options.dryRun && options.json) io.stdout.write(`${printableJson(plan)}\n`);
    if (differing.length > 0) throw contradiction(file, differing);
    if (options.dryRun) return;
    if (isNothing) {
      tellDone(plan, declaration, options, 'There is nothing to do.', io);
      return;
    }
    if (isAsked && !(await confirm(io, 'Apply this?'))) {
      note(io, 'Nothing was changed.');
      return;
    }
    const applied = await send(session, declaration, options, false);
    tellDone(applied, declaration, options, `Applied ${printable(applied.hierarchy)}.`, io);
  });
}

async function send(
  session: Session,
  declaration: Declaration,
  { allowDemo }: ApplyOptions,
  dryRun: boolean,
): Promise<AppliedHierarchy> {
  const query = new URLSearchParams({
    ...(dryRun ? { dryRun: 'true' } : {}),
    ...(allowDemo ? { allowDemo: 'true' } : {}),
  }).toString();
  const path = query === '' ? '/v1/hierarchies' : `/v1/hierarchies?${query}`;
  const { body } = await session.post(path, declaration, APPLY_MILLISECONDS);
  return body as AppliedHierarchy;
}

function readDeclaration(file: string, text: string): Declaration {
  const document = parseDocument(text, { prettyErrors: true });
  if (document.errors.length > 0) {
    const name = file === '-' ? 'standard input' : file;
    throw new Failure(errorCodes['declaration-invalid'].exit, `${name} is not YAML`, {
      // The first line says what and where; below it is the place itself, as a picture.
      violations: document.errors.map(({ message }) => ({
        code: 'yaml',
        message: (message.split('\n')[0] ?? '').replace(/:$/, ''),
      })),
    });
  }
  const declaration: unknown = document.toJS();
  if (typeof declaration === 'object' && declaration !== null) return declaration;
  throw new Failure(
    errorCodes['declaration-invalid'].exit,
    `${file} is not a hierarchy: it must be a mapping of keys to values`,
  );
}

function showPlan({ hierarchy, steps }: AppliedHierarchy, io: Io): void {
  const colors = colorsFor(io, io.stdout);
  const color = (cell: string, { action }: HierarchyStep) => {
    if (action === 'differs') return colors.red(cell);
    return action === 'unchanged' ? colors.dim(cell) : colors.green(cell);
  };
  const columns = [
    { title: 'ACTION', value: ({ action }: HierarchyStep) => action, color },
    { title: 'WHAT', value: ({ kind }: HierarchyStep) => kind },
    { title: 'ID', value: (step: HierarchyStep) => nameOf(step) },
  ];
  io.stdout.write(`Plan for ${printable(hierarchy)}:\n`);
  io.stdout.write(table(columns, steps, widthOf(io.stdout)));
  for (const step of steps) {
    for (const text of step.differences) {
      io.stdout.write(`  ${printable(nameOf(step))}: ${printable(text)}\n`);
    }
  }
}

const nameOf = ({ id, organization }: HierarchyStep): string =>
  organization === undefined ? id : `${id} to ${organization}`;

const contradiction = (file: string, steps: readonly HierarchyStep[]): Failure =>
  new Failure(
    errorCodes['declaration-invalid'].exit,
    `${file} contradicts authorities that exist; nothing was changed`,
    {
      violations: steps.flatMap(({ id, differences }) =>
        differences.map((message) => ({
          code: 'declaration-differs',
          message,
          field: `authorities.${id}`,
        })),
      ),
      remedy: 'Authorities are not re-declared: give the new one another id, or roll it over.',
    },
  );

function tellDone(
  applied: AppliedHierarchy,
  { authorities = {} }: Declaration,
  { json }: ApplyOptions,
  sentence: string,
  io: Io,
): void {
  if (json) {
    io.stdout.write(`${printableJson(applied)}\n`);
    return;
  }
  io.stdout.write(`${sentence}\n`);
  const waiting = applied.steps.filter(
    ({ kind, id, action }) =>
      kind === 'authority' &&
      ['create-request', 'await'].includes(action) &&
      authorities[id]?.under === 'external',
  );
  if (waiting.length === 0) return;
  io.stdout.write(
    'Next: get the request, have it signed, and bring the certificate and those above it; what is\n' +
      'below follows by itself:\n',
  );
  for (const { id } of waiting) {
    io.stdout.write(
      `  evpki authority csr ${printable(id)} --out ${printable(id)}.csr\n` +
        `  evpki authority activate ${printable(id)} --chain chain.pem\n`,
    );
  }
}
