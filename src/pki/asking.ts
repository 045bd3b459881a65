/**
 * Work that has to ask something on its way, such as whether a signature is valid. It is written
 * once, as a generator that yields its questions; whoever starts it says whether the answers are
 * there at once or come from another thread.
 */

export type Asking<Question, Answer, Result> = Generator<Question, Result, Answer>;

/** Does the work with answers that are there at once. */
export function answeredAtOnce<Question, Answer, Result>(
  work: Asking<Question, Answer, Result>,
  answer: (question: Question) => Answer,
): Result {
  let step = work.next();
  while (!step.done) step = work.next(answer(step.value));
  return step.value;
}

/** Does the work, waiting for each answer before it goes on; not for one that is there at once. */
export async function answeredInTime<Question, Answer, Result>(
  work: Asking<Question, Answer, Result>,
  answer: (question: Question) => Answer | Promise<Answer>,
): Promise<Result> {
  let step = work.next();
  while (!step.done) {
    const given = answer(step.value);
    step = work.next(given instanceof Promise ? await given : given);
  }
  return step.value;
}
