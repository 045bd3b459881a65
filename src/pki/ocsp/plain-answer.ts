/**
 * The commonest ResponseData there is: one certificate, `good` or `unknown`, with a nonce or
 * without. Apart from its times every octet of it is known beforehand, so that comparing says the
 * same as parsing it and asking every rule of lint, for a small part of the cost. Answers signed on
 * demand would not stay below three times the bare signature otherwise.
 */

import type { OcspLintContext } from './lint-context.ts';

const TIME_OCTETS = 17;
/** The DER of id-pkix-ocsp-nonce; what follows is the extension's value. */
const nonceId = Buffer.from('06092b0601050507300102', 'hex');
const GOOD = 0x80;
const UNKNOWN = 0x82;

/**
 * Whether a ResponseData has exactly this form, answers what was asked and has times that hold:
 * thisUpdate at producedAt, not in the future, nextUpdate after both and after now.
 * @returns false for everything else, right or wrong
 */
export function isPlainAnswer(tbs: Uint8Array, context: OcspLintContext): boolean {
  const { certIds, nonce, responderKeyHash, now } = context;
  const [certId] = certIds;
  if (certId === undefined || certIds.length !== 1) return false;
  if (responderKeyHash.length !== 20 || (nonce && (nonce.length < 1 || nonce.length > 123))) {
    return false;
  }
  const single = certId.length + 2 + TIME_OCTETS + (2 + TIME_OCTETS);
  const value = nonce ? 2 + nonce.length : 0;
  const extension = nonce ? nonceId.length + whole(value) : 0;
  const extensions = nonce ? whole(whole(whole(extension))) : 0;

  const reader = new Comparison(tbs);
  const { producedAt, thisUpdate, nextUpdate } = {
    producedAt:
      reader.header(0x30, 24 + TIME_OCTETS + whole(whole(single)) + extensions) &&
      reader.header(0xa2, 22) &&
      reader.header(0x04, 20) &&
      reader.octets(responderKeyHash) &&
      reader.time(),
    thisUpdate:
      reader.header(0x30, whole(single)) &&
      reader.header(0x30, single) &&
      reader.octets(certId) &&
      (reader.header(GOOD, 0) || reader.header(UNKNOWN, 0)) &&
      reader.time(),
    nextUpdate: reader.header(0xa0, TIME_OCTETS) && reader.time(),
  };
  if (!producedAt || !thisUpdate || !nextUpdate) return false;
  const isNonce =
    !nonce ||
    (reader.header(0xa1, whole(whole(extension))) &&
      reader.header(0x30, whole(extension)) &&
      reader.header(0x30, extension) &&
      reader.octets(nonceId) &&
      reader.header(0x04, value) &&
      reader.header(0x04, nonce.length) &&
      reader.octets(nonce));
  // As text of one width times compare as they do as times.
  const at = timeDigits(now);
  return (
    isNonce &&
    reader.atEnd &&
    thisUpdate === producedAt &&
    producedAt <= at &&
    nextUpdate > at &&
    nextUpdate > thisUpdate
  );
}

/** The octets of an element with a content of so many. */
const whole = (length: number): number => length + (length < 128 ? 2 : length < 256 ? 3 : 4);

/** The digits of a GeneralizedTime, seconds rounded down. */
const timeDigits = (time: Date): string => time.toISOString().replace(/[-:T]|\..*$/g, '');

/** Goes through bytes as long as they are what is expected. */
class Comparison {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** Tag and length, in as few octets as DER has it. */
  header(tag: number, length: number): boolean {
    const bytes = this.#bytes;
    const at = this.#at;
    if (bytes[at] !== tag) return false;
    if (length < 128) {
      this.#at = at + 2;
      return bytes[at + 1] === length;
    }
    if (length < 256) {
      this.#at = at + 3;
      return bytes[at + 1] === 0x81 && bytes[at + 2] === length;
    }
    this.#at = at + 4;
    return (
      bytes[at + 1] === 0x82 && bytes[at + 2] === length >> 8 && bytes[at + 3] === (length & 0xff)
    );
  }

  octets(expected: Uint8Array): boolean {
    const bytes = this.#bytes;
    const at = this.#at;
    for (let index = 0; index < expected.length; index++) {
      if (bytes[at + index] !== expected[index]) return false;
    }
    this.#at = at + expected.length;
    return true;
  }

  /** The digits of a GeneralizedTime in whole seconds and UTC that exists; undefined otherwise. */
  time(): string | undefined {
    if (!this.header(0x18, TIME_OCTETS - 2)) return undefined;
    let digits = '';
    for (let index = 0; index < TIME_OCTETS - 3; index++) {
      digits += String.fromCharCode(this.#bytes[this.#at + index] ?? 0);
    }
    if (this.#bytes[this.#at + TIME_OCTETS - 3] !== 0x5a) return undefined;
    this.#at += TIME_OCTETS - 2;
    return isTime(digits) ? digits : undefined;
  }
}

/** Most days are in every month, which is seen without a calendar. */
const isTime = (digits: string): boolean =>
  /^\d{4}(0[1-9]|1[0-2])(0[1-9]|1\d|2[0-8])([01]\d|2[0-3])[0-5]\d[0-5]\d$/.test(digits) ||
  isCalendarTime(digits);

function isCalendarTime(digits: string): boolean {
  const iso = digits.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/, '$1-$2-$3T$4:$5:$6.000Z');
  const time = new Date(iso);
  // What rolls over, like 30 February, is another text then.
  return !Number.isNaN(time.getTime()) && time.toISOString() === iso;
}
