#!/usr/bin/env node
"use strict";
var __create = Object.create;
var __defProp = Object.defineProperty;
var __getOwnPropDesc = Object.getOwnPropertyDescriptor;
var __getOwnPropNames = Object.getOwnPropertyNames;
var __getProtoOf = Object.getPrototypeOf;
var __hasOwnProp = Object.prototype.hasOwnProperty;
var __commonJS = (cb, mod) => function __require() {
  try {
    return mod || (0, cb[__getOwnPropNames(cb)[0]])((mod = { exports: {} }).exports, mod), mod.exports;
  } catch (e) {
    throw mod = 0, e;
  }
};
var __copyProps = (to, from, except, desc) => {
  if (from && typeof from === "object" || typeof from === "function") {
    for (let key of __getOwnPropNames(from))
      if (!__hasOwnProp.call(to, key) && key !== except)
        __defProp(to, key, { get: () => from[key], enumerable: !(desc = __getOwnPropDesc(from, key)) || desc.enumerable });
  }
  return to;
};
var __toESM = (mod, isNodeMode, target) => (target = mod != null ? __create(__getProtoOf(mod)) : {}, __copyProps(
  // If the importer is in node compatibility mode or this is not an ESM
  // file that has been converted to a CommonJS file using a Babel-
  // compatible transform (i.e. "__esModule" has not been set), then set
  // "default" to the CommonJS "module.exports" for node compatibility.
  isNodeMode || !mod || !mod.__esModule ? __defProp(target, "default", { value: mod, enumerable: true }) : target,
  mod
));

// node_modules/cli-progress/lib/eta.js
var require_eta = __commonJS({
  "node_modules/cli-progress/lib/eta.js"(exports2, module2) {
    var ETA = class {
      constructor(length, initTime, initValue) {
        this.etaBufferLength = length || 100;
        this.valueBuffer = [initValue];
        this.timeBuffer = [initTime];
        this.eta = "0";
      }
      // add new values to calculation buffer
      update(time, value, total) {
        this.valueBuffer.push(value);
        this.timeBuffer.push(time);
        this.calculate(total - value);
      }
      // fetch estimated time
      getTime() {
        return this.eta;
      }
      // eta calculation - request number of remaining events
      calculate(remaining) {
        const currentBufferSize = this.valueBuffer.length;
        const buffer = Math.min(this.etaBufferLength, currentBufferSize);
        const v_diff = this.valueBuffer[currentBufferSize - 1] - this.valueBuffer[currentBufferSize - buffer];
        const t_diff = this.timeBuffer[currentBufferSize - 1] - this.timeBuffer[currentBufferSize - buffer];
        const vt_rate = v_diff / t_diff;
        this.valueBuffer = this.valueBuffer.slice(-this.etaBufferLength);
        this.timeBuffer = this.timeBuffer.slice(-this.etaBufferLength);
        const eta = Math.ceil(remaining / vt_rate / 1e3);
        if (isNaN(eta)) {
          this.eta = "NULL";
        } else if (!isFinite(eta)) {
          this.eta = "INF";
        } else if (eta > 1e7) {
          this.eta = "INF";
        } else if (eta < 0) {
          this.eta = 0;
        } else {
          this.eta = eta;
        }
      }
    };
    module2.exports = ETA;
  }
});

// node_modules/cli-progress/lib/terminal.js
var require_terminal = __commonJS({
  "node_modules/cli-progress/lib/terminal.js"(exports2, module2) {
    var _readline = require("readline");
    var Terminal2 = class {
      constructor(outputStream) {
        this.stream = outputStream;
        this.linewrap = true;
        this.dy = 0;
      }
      // save cursor position + settings
      cursorSave() {
        if (!this.stream.isTTY) {
          return;
        }
        this.stream.write("\x1B7");
      }
      // restore last cursor position + settings
      cursorRestore() {
        if (!this.stream.isTTY) {
          return;
        }
        this.stream.write("\x1B8");
      }
      // show/hide cursor
      cursor(enabled) {
        if (!this.stream.isTTY) {
          return;
        }
        if (enabled) {
          this.stream.write("\x1B[?25h");
        } else {
          this.stream.write("\x1B[?25l");
        }
      }
      // change cursor positionn
      cursorTo(x = null, y = null) {
        if (!this.stream.isTTY) {
          return;
        }
        _readline.cursorTo(this.stream, x, y);
      }
      // change relative cursor position
      cursorRelative(dx = null, dy = null) {
        if (!this.stream.isTTY) {
          return;
        }
        this.dy = this.dy + dy;
        _readline.moveCursor(this.stream, dx, dy);
      }
      // relative reset
      cursorRelativeReset() {
        if (!this.stream.isTTY) {
          return;
        }
        _readline.moveCursor(this.stream, 0, -this.dy);
        _readline.cursorTo(this.stream, 0, null);
        this.dy = 0;
      }
      // clear to the right from cursor
      clearRight() {
        if (!this.stream.isTTY) {
          return;
        }
        _readline.clearLine(this.stream, 1);
      }
      // clear the full line
      clearLine() {
        if (!this.stream.isTTY) {
          return;
        }
        _readline.clearLine(this.stream, 0);
      }
      // clear everyting beyond the current line
      clearBottom() {
        if (!this.stream.isTTY) {
          return;
        }
        _readline.clearScreenDown(this.stream);
      }
      // add new line; increment counter
      newline() {
        this.stream.write("\n");
        this.dy++;
      }
      // write content to output stream
      // @TODO use string-width to strip length
      write(s, rawWrite = false) {
        if (this.linewrap === true && rawWrite === false) {
          this.stream.write(s.substr(0, this.getWidth()));
        } else {
          this.stream.write(s);
        }
      }
      // control line wrapping
      lineWrapping(enabled) {
        if (!this.stream.isTTY) {
          return;
        }
        this.linewrap = enabled;
        if (enabled) {
          this.stream.write("\x1B[?7h");
        } else {
          this.stream.write("\x1B[?7l");
        }
      }
      // tty environment ?
      isTTY() {
        return this.stream.isTTY === true;
      }
      // get terminal width
      getWidth() {
        return this.stream.columns || (this.stream.isTTY ? 80 : 200);
      }
    };
    module2.exports = Terminal2;
  }
});

// node_modules/ansi-regex/index.js
var require_ansi_regex = __commonJS({
  "node_modules/ansi-regex/index.js"(exports2, module2) {
    "use strict";
    module2.exports = ({ onlyFirst = false } = {}) => {
      const pattern = [
        "[\\u001B\\u009B][[\\]()#;?]*(?:(?:(?:(?:;[-a-zA-Z\\d\\/#&.:=?%@~_]+)*|[a-zA-Z\\d]+(?:;[-a-zA-Z\\d\\/#&.:=?%@~_]*)*)?\\u0007)",
        "(?:(?:\\d{1,4}(?:;\\d{0,4})*)?[\\dA-PR-TZcf-ntqry=><~]))"
      ].join("|");
      return new RegExp(pattern, onlyFirst ? void 0 : "g");
    };
  }
});

// node_modules/strip-ansi/index.js
var require_strip_ansi = __commonJS({
  "node_modules/strip-ansi/index.js"(exports2, module2) {
    "use strict";
    var ansiRegex = require_ansi_regex();
    module2.exports = (string2) => typeof string2 === "string" ? string2.replace(ansiRegex(), "") : string2;
  }
});

// node_modules/is-fullwidth-code-point/index.js
var require_is_fullwidth_code_point = __commonJS({
  "node_modules/is-fullwidth-code-point/index.js"(exports2, module2) {
    "use strict";
    var isFullwidthCodePoint = (codePoint) => {
      if (Number.isNaN(codePoint)) {
        return false;
      }
      if (codePoint >= 4352 && (codePoint <= 4447 || // Hangul Jamo
      codePoint === 9001 || // LEFT-POINTING ANGLE BRACKET
      codePoint === 9002 || // RIGHT-POINTING ANGLE BRACKET
      // CJK Radicals Supplement .. Enclosed CJK Letters and Months
      11904 <= codePoint && codePoint <= 12871 && codePoint !== 12351 || // Enclosed CJK Letters and Months .. CJK Unified Ideographs Extension A
      12880 <= codePoint && codePoint <= 19903 || // CJK Unified Ideographs .. Yi Radicals
      19968 <= codePoint && codePoint <= 42182 || // Hangul Jamo Extended-A
      43360 <= codePoint && codePoint <= 43388 || // Hangul Syllables
      44032 <= codePoint && codePoint <= 55203 || // CJK Compatibility Ideographs
      63744 <= codePoint && codePoint <= 64255 || // Vertical Forms
      65040 <= codePoint && codePoint <= 65049 || // CJK Compatibility Forms .. Small Form Variants
      65072 <= codePoint && codePoint <= 65131 || // Halfwidth and Fullwidth Forms
      65281 <= codePoint && codePoint <= 65376 || 65504 <= codePoint && codePoint <= 65510 || // Kana Supplement
      110592 <= codePoint && codePoint <= 110593 || // Enclosed Ideographic Supplement
      127488 <= codePoint && codePoint <= 127569 || // CJK Unified Ideographs Extension B .. Tertiary Ideographic Plane
      131072 <= codePoint && codePoint <= 262141)) {
        return true;
      }
      return false;
    };
    module2.exports = isFullwidthCodePoint;
    module2.exports.default = isFullwidthCodePoint;
  }
});

// node_modules/emoji-regex/index.js
var require_emoji_regex = __commonJS({
  "node_modules/emoji-regex/index.js"(exports2, module2) {
    "use strict";
    module2.exports = function() {
      return /\uD83C\uDFF4\uDB40\uDC67\uDB40\uDC62(?:\uDB40\uDC65\uDB40\uDC6E\uDB40\uDC67|\uDB40\uDC73\uDB40\uDC63\uDB40\uDC74|\uDB40\uDC77\uDB40\uDC6C\uDB40\uDC73)\uDB40\uDC7F|\uD83D\uDC68(?:\uD83C\uDFFC\u200D(?:\uD83E\uDD1D\u200D\uD83D\uDC68\uD83C\uDFFB|\uD83C[\uDF3E\uDF73\uDF93\uDFA4\uDFA8\uDFEB\uDFED]|\uD83D[\uDCBB\uDCBC\uDD27\uDD2C\uDE80\uDE92]|\uD83E[\uDDAF-\uDDB3\uDDBC\uDDBD])|\uD83C\uDFFF\u200D(?:\uD83E\uDD1D\u200D\uD83D\uDC68(?:\uD83C[\uDFFB-\uDFFE])|\uD83C[\uDF3E\uDF73\uDF93\uDFA4\uDFA8\uDFEB\uDFED]|\uD83D[\uDCBB\uDCBC\uDD27\uDD2C\uDE80\uDE92]|\uD83E[\uDDAF-\uDDB3\uDDBC\uDDBD])|\uD83C\uDFFE\u200D(?:\uD83E\uDD1D\u200D\uD83D\uDC68(?:\uD83C[\uDFFB-\uDFFD])|\uD83C[\uDF3E\uDF73\uDF93\uDFA4\uDFA8\uDFEB\uDFED]|\uD83D[\uDCBB\uDCBC\uDD27\uDD2C\uDE80\uDE92]|\uD83E[\uDDAF-\uDDB3\uDDBC\uDDBD])|\uD83C\uDFFD\u200D(?:\uD83E\uDD1D\u200D\uD83D\uDC68(?:\uD83C[\uDFFB\uDFFC])|\uD83C[\uDF3E\uDF73\uDF93\uDFA4\uDFA8\uDFEB\uDFED]|\uD83D[\uDCBB\uDCBC\uDD27\uDD2C\uDE80\uDE92]|\uD83E[\uDDAF-\uDDB3\uDDBC\uDDBD])|\u200D(?:\u2764\uFE0F\u200D(?:\uD83D\uDC8B\u200D)?\uD83D\uDC68|(?:\uD83D[\uDC68\uDC69])\u200D(?:\uD83D\uDC66\u200D\uD83D\uDC66|\uD83D\uDC67\u200D(?:\uD83D[\uDC66\uDC67]))|\uD83D\uDC66\u200D\uD83D\uDC66|\uD83D\uDC67\u200D(?:\uD83D[\uDC66\uDC67])|(?:\uD83D[\uDC68\uDC69])\u200D(?:\uD83D[\uDC66\uDC67])|[\u2695\u2696\u2708]\uFE0F|\uD83D[\uDC66\uDC67]|\uD83C[\uDF3E\uDF73\uDF93\uDFA4\uDFA8\uDFEB\uDFED]|\uD83D[\uDCBB\uDCBC\uDD27\uDD2C\uDE80\uDE92]|\uD83E[\uDDAF-\uDDB3\uDDBC\uDDBD])|(?:\uD83C\uDFFB\u200D[\u2695\u2696\u2708]|\uD83C\uDFFF\u200D[\u2695\u2696\u2708]|\uD83C\uDFFE\u200D[\u2695\u2696\u2708]|\uD83C\uDFFD\u200D[\u2695\u2696\u2708]|\uD83C\uDFFC\u200D[\u2695\u2696\u2708])\uFE0F|\uD83C\uDFFB\u200D(?:\uD83C[\uDF3E\uDF73\uDF93\uDFA4\uDFA8\uDFEB\uDFED]|\uD83D[\uDCBB\uDCBC\uDD27\uDD2C\uDE80\uDE92]|\uD83E[\uDDAF-\uDDB3\uDDBC\uDDBD])|\uD83C[\uDFFB-\uDFFF])|(?:\uD83E\uDDD1\uD83C\uDFFB\u200D\uD83E\uDD1D\u200D\uD83E\uDDD1|\uD83D\uDC69\uD83C\uDFFC\u200D\uD83E\uDD1D\u200D\uD83D\uDC69)\uD83C\uDFFB|\uD83E\uDDD1(?:\uD83C\uDFFF\u200D\uD83E\uDD1D\u200D\uD83E\uDDD1(?:\uD83C[\uDFFB-\uDFFF])|\u200D\uD83E\uDD1D\u200D\uD83E\uDDD1)|(?:\uD83E\uDDD1\uD83C\uDFFE\u200D\uD83E\uDD1D\u200D\uD83E\uDDD1|\uD83D\uDC69\uD83C\uDFFF\u200D\uD83E\uDD1D\u200D(?:\uD83D[\uDC68\uDC69]))(?:\uD83C[\uDFFB-\uDFFE])|(?:\uD83E\uDDD1\uD83C\uDFFC\u200D\uD83E\uDD1D\u200D\uD83E\uDDD1|\uD83D\uDC69\uD83C\uDFFD\u200D\uD83E\uDD1D\u200D\uD83D\uDC69)(?:\uD83C[\uDFFB\uDFFC])|\uD83D\uDC69(?:\uD83C\uDFFE\u200D(?:\uD83E\uDD1D\u200D\uD83D\uDC68(?:\uD83C[\uDFFB-\uDFFD\uDFFF])|\uD83C[\uDF3E\uDF73\uDF93\uDFA4\uDFA8\uDFEB\uDFED]|\uD83D[\uDCBB\uDCBC\uDD27\uDD2C\uDE80\uDE92]|\uD83E[\uDDAF-\uDDB3\uDDBC\uDDBD])|\uD83C\uDFFC\u200D(?:\uD83E\uDD1D\u200D\uD83D\uDC68(?:\uD83C[\uDFFB\uDFFD-\uDFFF])|\uD83C[\uDF3E\uDF73\uDF93\uDFA4\uDFA8\uDFEB\uDFED]|\uD83D[\uDCBB\uDCBC\uDD27\uDD2C\uDE80\uDE92]|\uD83E[\uDDAF-\uDDB3\uDDBC\uDDBD])|\uD83C\uDFFB\u200D(?:\uD83E\uDD1D\u200D\uD83D\uDC68(?:\uD83C[\uDFFC-\uDFFF])|\uD83C[\uDF3E\uDF73\uDF93\uDFA4\uDFA8\uDFEB\uDFED]|\uD83D[\uDCBB\uDCBC\uDD27\uDD2C\uDE80\uDE92]|\uD83E[\uDDAF-\uDDB3\uDDBC\uDDBD])|\uD83C\uDFFD\u200D(?:\uD83E\uDD1D\u200D\uD83D\uDC68(?:\uD83C[\uDFFB\uDFFC\uDFFE\uDFFF])|\uD83C[\uDF3E\uDF73\uDF93\uDFA4\uDFA8\uDFEB\uDFED]|\uD83D[\uDCBB\uDCBC\uDD27\uDD2C\uDE80\uDE92]|\uD83E[\uDDAF-\uDDB3\uDDBC\uDDBD])|\u200D(?:\u2764\uFE0F\u200D(?:\uD83D\uDC8B\u200D(?:\uD83D[\uDC68\uDC69])|\uD83D[\uDC68\uDC69])|\uD83C[\uDF3E\uDF73\uDF93\uDFA4\uDFA8\uDFEB\uDFED]|\uD83D[\uDCBB\uDCBC\uDD27\uDD2C\uDE80\uDE92]|\uD83E[\uDDAF-\uDDB3\uDDBC\uDDBD])|\uD83C\uDFFF\u200D(?:\uD83C[\uDF3E\uDF73\uDF93\uDFA4\uDFA8\uDFEB\uDFED]|\uD83D[\uDCBB\uDCBC\uDD27\uDD2C\uDE80\uDE92]|\uD83E[\uDDAF-\uDDB3\uDDBC\uDDBD]))|\uD83D\uDC69\u200D\uD83D\uDC69\u200D(?:\uD83D\uDC66\u200D\uD83D\uDC66|\uD83D\uDC67\u200D(?:\uD83D[\uDC66\uDC67]))|(?:\uD83E\uDDD1\uD83C\uDFFD\u200D\uD83E\uDD1D\u200D\uD83E\uDDD1|\uD83D\uDC69\uD83C\uDFFE\u200D\uD83E\uDD1D\u200D\uD83D\uDC69)(?:\uD83C[\uDFFB-\uDFFD])|\uD83D\uDC69\u200D\uD83D\uDC66\u200D\uD83D\uDC66|\uD83D\uDC69\u200D\uD83D\uDC69\u200D(?:\uD83D[\uDC66\uDC67])|(?:\uD83D\uDC41\uFE0F\u200D\uD83D\uDDE8|\uD83D\uDC69(?:\uD83C\uDFFF\u200D[\u2695\u2696\u2708]|\uD83C\uDFFE\u200D[\u2695\u2696\u2708]|\uD83C\uDFFC\u200D[\u2695\u2696\u2708]|\uD83C\uDFFB\u200D[\u2695\u2696\u2708]|\uD83C\uDFFD\u200D[\u2695\u2696\u2708]|\u200D[\u2695\u2696\u2708])|(?:(?:\u26F9|\uD83C[\uDFCB\uDFCC]|\uD83D\uDD75)\uFE0F|\uD83D\uDC6F|\uD83E[\uDD3C\uDDDE\uDDDF])\u200D[\u2640\u2642]|(?:\u26F9|\uD83C[\uDFCB\uDFCC]|\uD83D\uDD75)(?:\uD83C[\uDFFB-\uDFFF])\u200D[\u2640\u2642]|(?:\uD83C[\uDFC3\uDFC4\uDFCA]|\uD83D[\uDC6E\uDC71\uDC73\uDC77\uDC81\uDC82\uDC86\uDC87\uDE45-\uDE47\uDE4B\uDE4D\uDE4E\uDEA3\uDEB4-\uDEB6]|\uD83E[\uDD26\uDD37-\uDD39\uDD3D\uDD3E\uDDB8\uDDB9\uDDCD-\uDDCF\uDDD6-\uDDDD])(?:(?:\uD83C[\uDFFB-\uDFFF])\u200D[\u2640\u2642]|\u200D[\u2640\u2642])|\uD83C\uDFF4\u200D\u2620)\uFE0F|\uD83D\uDC69\u200D\uD83D\uDC67\u200D(?:\uD83D[\uDC66\uDC67])|\uD83C\uDFF3\uFE0F\u200D\uD83C\uDF08|\uD83D\uDC15\u200D\uD83E\uDDBA|\uD83D\uDC69\u200D\uD83D\uDC66|\uD83D\uDC69\u200D\uD83D\uDC67|\uD83C\uDDFD\uD83C\uDDF0|\uD83C\uDDF4\uD83C\uDDF2|\uD83C\uDDF6\uD83C\uDDE6|[#\*0-9]\uFE0F\u20E3|\uD83C\uDDE7(?:\uD83C[\uDDE6\uDDE7\uDDE9-\uDDEF\uDDF1-\uDDF4\uDDF6-\uDDF9\uDDFB\uDDFC\uDDFE\uDDFF])|\uD83C\uDDF9(?:\uD83C[\uDDE6\uDDE8\uDDE9\uDDEB-\uDDED\uDDEF-\uDDF4\uDDF7\uDDF9\uDDFB\uDDFC\uDDFF])|\uD83C\uDDEA(?:\uD83C[\uDDE6\uDDE8\uDDEA\uDDEC\uDDED\uDDF7-\uDDFA])|\uD83E\uDDD1(?:\uD83C[\uDFFB-\uDFFF])|\uD83C\uDDF7(?:\uD83C[\uDDEA\uDDF4\uDDF8\uDDFA\uDDFC])|\uD83D\uDC69(?:\uD83C[\uDFFB-\uDFFF])|\uD83C\uDDF2(?:\uD83C[\uDDE6\uDDE8-\uDDED\uDDF0-\uDDFF])|\uD83C\uDDE6(?:\uD83C[\uDDE8-\uDDEC\uDDEE\uDDF1\uDDF2\uDDF4\uDDF6-\uDDFA\uDDFC\uDDFD\uDDFF])|\uD83C\uDDF0(?:\uD83C[\uDDEA\uDDEC-\uDDEE\uDDF2\uDDF3\uDDF5\uDDF7\uDDFC\uDDFE\uDDFF])|\uD83C\uDDED(?:\uD83C[\uDDF0\uDDF2\uDDF3\uDDF7\uDDF9\uDDFA])|\uD83C\uDDE9(?:\uD83C[\uDDEA\uDDEC\uDDEF\uDDF0\uDDF2\uDDF4\uDDFF])|\uD83C\uDDFE(?:\uD83C[\uDDEA\uDDF9])|\uD83C\uDDEC(?:\uD83C[\uDDE6\uDDE7\uDDE9-\uDDEE\uDDF1-\uDDF3\uDDF5-\uDDFA\uDDFC\uDDFE])|\uD83C\uDDF8(?:\uD83C[\uDDE6-\uDDEA\uDDEC-\uDDF4\uDDF7-\uDDF9\uDDFB\uDDFD-\uDDFF])|\uD83C\uDDEB(?:\uD83C[\uDDEE-\uDDF0\uDDF2\uDDF4\uDDF7])|\uD83C\uDDF5(?:\uD83C[\uDDE6\uDDEA-\uDDED\uDDF0-\uDDF3\uDDF7-\uDDF9\uDDFC\uDDFE])|\uD83C\uDDFB(?:\uD83C[\uDDE6\uDDE8\uDDEA\uDDEC\uDDEE\uDDF3\uDDFA])|\uD83C\uDDF3(?:\uD83C[\uDDE6\uDDE8\uDDEA-\uDDEC\uDDEE\uDDF1\uDDF4\uDDF5\uDDF7\uDDFA\uDDFF])|\uD83C\uDDE8(?:\uD83C[\uDDE6\uDDE8\uDDE9\uDDEB-\uDDEE\uDDF0-\uDDF5\uDDF7\uDDFA-\uDDFF])|\uD83C\uDDF1(?:\uD83C[\uDDE6-\uDDE8\uDDEE\uDDF0\uDDF7-\uDDFB\uDDFE])|\uD83C\uDDFF(?:\uD83C[\uDDE6\uDDF2\uDDFC])|\uD83C\uDDFC(?:\uD83C[\uDDEB\uDDF8])|\uD83C\uDDFA(?:\uD83C[\uDDE6\uDDEC\uDDF2\uDDF3\uDDF8\uDDFE\uDDFF])|\uD83C\uDDEE(?:\uD83C[\uDDE8-\uDDEA\uDDF1-\uDDF4\uDDF6-\uDDF9])|\uD83C\uDDEF(?:\uD83C[\uDDEA\uDDF2\uDDF4\uDDF5])|(?:\uD83C[\uDFC3\uDFC4\uDFCA]|\uD83D[\uDC6E\uDC71\uDC73\uDC77\uDC81\uDC82\uDC86\uDC87\uDE45-\uDE47\uDE4B\uDE4D\uDE4E\uDEA3\uDEB4-\uDEB6]|\uD83E[\uDD26\uDD37-\uDD39\uDD3D\uDD3E\uDDB8\uDDB9\uDDCD-\uDDCF\uDDD6-\uDDDD])(?:\uD83C[\uDFFB-\uDFFF])|(?:\u26F9|\uD83C[\uDFCB\uDFCC]|\uD83D\uDD75)(?:\uD83C[\uDFFB-\uDFFF])|(?:[\u261D\u270A-\u270D]|\uD83C[\uDF85\uDFC2\uDFC7]|\uD83D[\uDC42\uDC43\uDC46-\uDC50\uDC66\uDC67\uDC6B-\uDC6D\uDC70\uDC72\uDC74-\uDC76\uDC78\uDC7C\uDC83\uDC85\uDCAA\uDD74\uDD7A\uDD90\uDD95\uDD96\uDE4C\uDE4F\uDEC0\uDECC]|\uD83E[\uDD0F\uDD18-\uDD1C\uDD1E\uDD1F\uDD30-\uDD36\uDDB5\uDDB6\uDDBB\uDDD2-\uDDD5])(?:\uD83C[\uDFFB-\uDFFF])|(?:[\u231A\u231B\u23E9-\u23EC\u23F0\u23F3\u25FD\u25FE\u2614\u2615\u2648-\u2653\u267F\u2693\u26A1\u26AA\u26AB\u26BD\u26BE\u26C4\u26C5\u26CE\u26D4\u26EA\u26F2\u26F3\u26F5\u26FA\u26FD\u2705\u270A\u270B\u2728\u274C\u274E\u2753-\u2755\u2757\u2795-\u2797\u27B0\u27BF\u2B1B\u2B1C\u2B50\u2B55]|\uD83C[\uDC04\uDCCF\uDD8E\uDD91-\uDD9A\uDDE6-\uDDFF\uDE01\uDE1A\uDE2F\uDE32-\uDE36\uDE38-\uDE3A\uDE50\uDE51\uDF00-\uDF20\uDF2D-\uDF35\uDF37-\uDF7C\uDF7E-\uDF93\uDFA0-\uDFCA\uDFCF-\uDFD3\uDFE0-\uDFF0\uDFF4\uDFF8-\uDFFF]|\uD83D[\uDC00-\uDC3E\uDC40\uDC42-\uDCFC\uDCFF-\uDD3D\uDD4B-\uDD4E\uDD50-\uDD67\uDD7A\uDD95\uDD96\uDDA4\uDDFB-\uDE4F\uDE80-\uDEC5\uDECC\uDED0-\uDED2\uDED5\uDEEB\uDEEC\uDEF4-\uDEFA\uDFE0-\uDFEB]|\uD83E[\uDD0D-\uDD3A\uDD3C-\uDD45\uDD47-\uDD71\uDD73-\uDD76\uDD7A-\uDDA2\uDDA5-\uDDAA\uDDAE-\uDDCA\uDDCD-\uDDFF\uDE70-\uDE73\uDE78-\uDE7A\uDE80-\uDE82\uDE90-\uDE95])|(?:[#\*0-9\xA9\xAE\u203C\u2049\u2122\u2139\u2194-\u2199\u21A9\u21AA\u231A\u231B\u2328\u23CF\u23E9-\u23F3\u23F8-\u23FA\u24C2\u25AA\u25AB\u25B6\u25C0\u25FB-\u25FE\u2600-\u2604\u260E\u2611\u2614\u2615\u2618\u261D\u2620\u2622\u2623\u2626\u262A\u262E\u262F\u2638-\u263A\u2640\u2642\u2648-\u2653\u265F\u2660\u2663\u2665\u2666\u2668\u267B\u267E\u267F\u2692-\u2697\u2699\u269B\u269C\u26A0\u26A1\u26AA\u26AB\u26B0\u26B1\u26BD\u26BE\u26C4\u26C5\u26C8\u26CE\u26CF\u26D1\u26D3\u26D4\u26E9\u26EA\u26F0-\u26F5\u26F7-\u26FA\u26FD\u2702\u2705\u2708-\u270D\u270F\u2712\u2714\u2716\u271D\u2721\u2728\u2733\u2734\u2744\u2747\u274C\u274E\u2753-\u2755\u2757\u2763\u2764\u2795-\u2797\u27A1\u27B0\u27BF\u2934\u2935\u2B05-\u2B07\u2B1B\u2B1C\u2B50\u2B55\u3030\u303D\u3297\u3299]|\uD83C[\uDC04\uDCCF\uDD70\uDD71\uDD7E\uDD7F\uDD8E\uDD91-\uDD9A\uDDE6-\uDDFF\uDE01\uDE02\uDE1A\uDE2F\uDE32-\uDE3A\uDE50\uDE51\uDF00-\uDF21\uDF24-\uDF93\uDF96\uDF97\uDF99-\uDF9B\uDF9E-\uDFF0\uDFF3-\uDFF5\uDFF7-\uDFFF]|\uD83D[\uDC00-\uDCFD\uDCFF-\uDD3D\uDD49-\uDD4E\uDD50-\uDD67\uDD6F\uDD70\uDD73-\uDD7A\uDD87\uDD8A-\uDD8D\uDD90\uDD95\uDD96\uDDA4\uDDA5\uDDA8\uDDB1\uDDB2\uDDBC\uDDC2-\uDDC4\uDDD1-\uDDD3\uDDDC-\uDDDE\uDDE1\uDDE3\uDDE8\uDDEF\uDDF3\uDDFA-\uDE4F\uDE80-\uDEC5\uDECB-\uDED2\uDED5\uDEE0-\uDEE5\uDEE9\uDEEB\uDEEC\uDEF0\uDEF3-\uDEFA\uDFE0-\uDFEB]|\uD83E[\uDD0D-\uDD3A\uDD3C-\uDD45\uDD47-\uDD71\uDD73-\uDD76\uDD7A-\uDDA2\uDDA5-\uDDAA\uDDAE-\uDDCA\uDDCD-\uDDFF\uDE70-\uDE73\uDE78-\uDE7A\uDE80-\uDE82\uDE90-\uDE95])\uFE0F|(?:[\u261D\u26F9\u270A-\u270D]|\uD83C[\uDF85\uDFC2-\uDFC4\uDFC7\uDFCA-\uDFCC]|\uD83D[\uDC42\uDC43\uDC46-\uDC50\uDC66-\uDC78\uDC7C\uDC81-\uDC83\uDC85-\uDC87\uDC8F\uDC91\uDCAA\uDD74\uDD75\uDD7A\uDD90\uDD95\uDD96\uDE45-\uDE47\uDE4B-\uDE4F\uDEA3\uDEB4-\uDEB6\uDEC0\uDECC]|\uD83E[\uDD0F\uDD18-\uDD1F\uDD26\uDD30-\uDD39\uDD3C-\uDD3E\uDDB5\uDDB6\uDDB8\uDDB9\uDDBB\uDDCD-\uDDCF\uDDD1-\uDDDD])/g;
    };
  }
});

// node_modules/string-width/index.js
var require_string_width = __commonJS({
  "node_modules/string-width/index.js"(exports2, module2) {
    "use strict";
    var stripAnsi = require_strip_ansi();
    var isFullwidthCodePoint = require_is_fullwidth_code_point();
    var emojiRegex = require_emoji_regex();
    var stringWidth = (string2) => {
      if (typeof string2 !== "string" || string2.length === 0) {
        return 0;
      }
      string2 = stripAnsi(string2);
      if (string2.length === 0) {
        return 0;
      }
      string2 = string2.replace(emojiRegex(), "  ");
      let width = 0;
      for (let i = 0; i < string2.length; i++) {
        const code3 = string2.codePointAt(i);
        if (code3 <= 31 || code3 >= 127 && code3 <= 159) {
          continue;
        }
        if (code3 >= 768 && code3 <= 879) {
          continue;
        }
        if (code3 > 65535) {
          i++;
        }
        width += isFullwidthCodePoint(code3) ? 2 : 1;
      }
      return width;
    };
    module2.exports = stringWidth;
    module2.exports.default = stringWidth;
  }
});

// node_modules/cli-progress/lib/format-value.js
var require_format_value = __commonJS({
  "node_modules/cli-progress/lib/format-value.js"(exports2, module2) {
    module2.exports = function formatValue(v, options, type) {
      if (options.autopadding !== true) {
        return v;
      }
      function autopadding(value, length) {
        return (options.autopaddingChar + value).slice(-length);
      }
      switch (type) {
        case "percentage":
          return autopadding(v, 3);
        default:
          return v;
      }
    };
  }
});

// node_modules/cli-progress/lib/format-bar.js
var require_format_bar = __commonJS({
  "node_modules/cli-progress/lib/format-bar.js"(exports2, module2) {
    module2.exports = function formatBar(progress, options) {
      const completeSize = Math.round(progress * options.barsize);
      const incompleteSize = options.barsize - completeSize;
      return options.barCompleteString.substr(0, completeSize) + options.barGlue + options.barIncompleteString.substr(0, incompleteSize);
    };
  }
});

// node_modules/cli-progress/lib/format-time.js
var require_format_time = __commonJS({
  "node_modules/cli-progress/lib/format-time.js"(exports2, module2) {
    module2.exports = function formatTime(t, options, roundToMultipleOf) {
      function round(input) {
        if (roundToMultipleOf) {
          return roundToMultipleOf * Math.round(input / roundToMultipleOf);
        } else {
          return input;
        }
      }
      function autopadding(v) {
        return (options.autopaddingChar + v).slice(-2);
      }
      if (t > 3600) {
        return autopadding(Math.floor(t / 3600)) + "h" + autopadding(round(t % 3600 / 60)) + "m";
      } else if (t > 60) {
        return autopadding(Math.floor(t / 60)) + "m" + autopadding(round(t % 60)) + "s";
      } else if (t > 10) {
        return autopadding(round(t)) + "s";
      } else {
        return autopadding(t) + "s";
      }
    };
  }
});

// node_modules/cli-progress/lib/formatter.js
var require_formatter = __commonJS({
  "node_modules/cli-progress/lib/formatter.js"(exports2, module2) {
    var _stringWidth = require_string_width();
    var _defaultFormatValue = require_format_value();
    var _defaultFormatBar = require_format_bar();
    var _defaultFormatTime = require_format_time();
    module2.exports = function defaultFormatter(options, params, payload) {
      let s = options.format;
      const formatTime = options.formatTime || _defaultFormatTime;
      const formatValue = options.formatValue || _defaultFormatValue;
      const formatBar = options.formatBar || _defaultFormatBar;
      const percentage = Math.floor(params.progress * 100) + "";
      const stopTime = params.stopTime || Date.now();
      const elapsedTime = Math.round((stopTime - params.startTime) / 1e3);
      const context = Object.assign({}, payload, {
        bar: formatBar(params.progress, options),
        percentage: formatValue(percentage, options, "percentage"),
        total: formatValue(params.total, options, "total"),
        value: formatValue(params.value, options, "value"),
        eta: formatValue(params.eta, options, "eta"),
        eta_formatted: formatTime(params.eta, options, 5),
        duration: formatValue(elapsedTime, options, "duration"),
        duration_formatted: formatTime(elapsedTime, options, 1)
      });
      s = s.replace(/\{(\w+)\}/g, function(match, key) {
        if (typeof context[key] !== "undefined") {
          return context[key];
        }
        return match;
      });
      const fullMargin = Math.max(0, params.maxWidth - _stringWidth(s) - 2);
      const halfMargin = Math.floor(fullMargin / 2);
      switch (options.align) {
        // fill start-of-line with whitespaces
        case "right":
          s = fullMargin > 0 ? " ".repeat(fullMargin) + s : s;
          break;
        // distribute whitespaces to left+right
        case "center":
          s = halfMargin > 0 ? " ".repeat(halfMargin) + s : s;
          break;
        // default: left align, no additional whitespaces
        case "left":
        default:
          break;
      }
      return s;
    };
  }
});

// node_modules/cli-progress/lib/options.js
var require_options = __commonJS({
  "node_modules/cli-progress/lib/options.js"(exports2, module2) {
    function mergeOption(v, defaultValue) {
      if (typeof v === "undefined" || v === null) {
        return defaultValue;
      } else {
        return v;
      }
    }
    module2.exports = {
      // set global options
      parse: function parse(rawOptions, preset) {
        const options = {};
        const opt = Object.assign({}, preset, rawOptions);
        options.throttleTime = 1e3 / mergeOption(opt.fps, 10);
        options.stream = mergeOption(opt.stream, process.stderr);
        options.terminal = mergeOption(opt.terminal, null);
        options.clearOnComplete = mergeOption(opt.clearOnComplete, false);
        options.stopOnComplete = mergeOption(opt.stopOnComplete, false);
        options.barsize = mergeOption(opt.barsize, 40);
        options.align = mergeOption(opt.align, "left");
        options.hideCursor = mergeOption(opt.hideCursor, false);
        options.linewrap = mergeOption(opt.linewrap, false);
        options.barGlue = mergeOption(opt.barGlue, "");
        options.barCompleteChar = mergeOption(opt.barCompleteChar, "=");
        options.barIncompleteChar = mergeOption(opt.barIncompleteChar, "-");
        options.format = mergeOption(opt.format, "progress [{bar}] {percentage}% | ETA: {eta}s | {value}/{total}");
        options.formatTime = mergeOption(opt.formatTime, null);
        options.formatValue = mergeOption(opt.formatValue, null);
        options.formatBar = mergeOption(opt.formatBar, null);
        options.etaBufferLength = mergeOption(opt.etaBuffer, 10);
        options.etaAsynchronousUpdate = mergeOption(opt.etaAsynchronousUpdate, false);
        options.progressCalculationRelative = mergeOption(opt.progressCalculationRelative, false);
        options.synchronousUpdate = mergeOption(opt.synchronousUpdate, true);
        options.noTTYOutput = mergeOption(opt.noTTYOutput, false);
        options.notTTYSchedule = mergeOption(opt.notTTYSchedule, 2e3);
        options.emptyOnZero = mergeOption(opt.emptyOnZero, false);
        options.forceRedraw = mergeOption(opt.forceRedraw, false);
        options.autopadding = mergeOption(opt.autopadding, false);
        options.gracefulExit = mergeOption(opt.gracefulExit, false);
        return options;
      },
      // derived options: instance specific, has to be created for every bar element
      assignDerivedOptions: function assignDerivedOptions(options) {
        options.barCompleteString = options.barCompleteChar.repeat(options.barsize + 1);
        options.barIncompleteString = options.barIncompleteChar.repeat(options.barsize + 1);
        options.autopaddingChar = options.autopadding ? mergeOption(options.autopaddingChar, "   ") : "";
        return options;
      }
    };
  }
});

// node_modules/cli-progress/lib/generic-bar.js
var require_generic_bar = __commonJS({
  "node_modules/cli-progress/lib/generic-bar.js"(exports2, module2) {
    var _ETA = require_eta();
    var _Terminal = require_terminal();
    var _formatter = require_formatter();
    var _options = require_options();
    var _EventEmitter = require("events");
    module2.exports = class GenericBar extends _EventEmitter {
      constructor(options) {
        super();
        this.options = _options.assignDerivedOptions(options);
        this.terminal = this.options.terminal ? this.options.terminal : new _Terminal(this.options.stream);
        this.value = 0;
        this.startValue = 0;
        this.total = 100;
        this.lastDrawnString = null;
        this.startTime = null;
        this.stopTime = null;
        this.lastRedraw = Date.now();
        this.eta = new _ETA(this.options.etaBufferLength, 0, 0);
        this.payload = {};
        this.isActive = false;
        this.formatter = typeof this.options.format === "function" ? this.options.format : _formatter;
      }
      // internal render function
      render(forceRendering = false) {
        const params = {
          progress: this.getProgress(),
          eta: this.eta.getTime(),
          startTime: this.startTime,
          stopTime: this.stopTime,
          total: this.total,
          value: this.value,
          maxWidth: this.terminal.getWidth()
        };
        if (this.options.etaAsynchronousUpdate) {
          this.updateETA();
        }
        const s = this.formatter(this.options, params, this.payload);
        const forceRedraw = forceRendering || this.options.forceRedraw || this.options.noTTYOutput && !this.terminal.isTTY();
        if (forceRedraw || this.lastDrawnString != s) {
          this.emit("redraw-pre");
          this.terminal.cursorTo(0, null);
          this.terminal.write(s);
          this.terminal.clearRight();
          this.lastDrawnString = s;
          this.lastRedraw = Date.now();
          this.emit("redraw-post");
        }
      }
      // start the progress bar
      start(total, startValue, payload) {
        this.value = startValue || 0;
        this.total = typeof total !== "undefined" && total >= 0 ? total : 100;
        this.startValue = startValue || 0;
        this.payload = payload || {};
        this.startTime = Date.now();
        this.stopTime = null;
        this.lastDrawnString = "";
        this.eta = new _ETA(this.options.etaBufferLength, this.startTime, this.value);
        this.isActive = true;
        this.emit("start", total, startValue);
      }
      // stop the bar
      stop() {
        this.isActive = false;
        this.stopTime = Date.now();
        this.emit("stop", this.total, this.value);
      }
      // update the bar value
      // update(value, payload)
      // update(payload)
      update(arg0, arg1 = {}) {
        if (typeof arg0 === "number") {
          this.value = arg0;
          this.eta.update(Date.now(), arg0, this.total);
        }
        const payloadData = (typeof arg0 === "object" ? arg0 : arg1) || {};
        this.emit("update", this.total, this.value);
        for (const key in payloadData) {
          this.payload[key] = payloadData[key];
        }
        if (this.value >= this.getTotal() && this.options.stopOnComplete) {
          this.stop();
        }
      }
      // calculate the actual progress value
      getProgress() {
        let progress = this.value / this.total;
        if (this.options.progressCalculationRelative) {
          progress = (this.value - this.startValue) / (this.total - this.startValue);
        }
        if (isNaN(progress)) {
          progress = this.options && this.options.emptyOnZero ? 0 : 1;
        }
        progress = Math.min(Math.max(progress, 0), 1);
        return progress;
      }
      // update the bar value
      // increment(delta, payload)
      // increment(payload)
      increment(arg0 = 1, arg1 = {}) {
        if (typeof arg0 === "object") {
          this.update(this.value + 1, arg0);
        } else {
          this.update(this.value + arg0, arg1);
        }
      }
      // get the total (limit) value
      getTotal() {
        return this.total;
      }
      // set the total (limit) value
      setTotal(total) {
        if (typeof total !== "undefined" && total >= 0) {
          this.total = total;
        }
      }
      // force eta calculation update (long running processes)
      updateETA() {
        this.eta.update(Date.now(), this.value, this.total);
      }
    };
  }
});

// node_modules/cli-progress/lib/single-bar.js
var require_single_bar = __commonJS({
  "node_modules/cli-progress/lib/single-bar.js"(exports2, module2) {
    var _GenericBar = require_generic_bar();
    var _options = require_options();
    module2.exports = class SingleBar extends _GenericBar {
      constructor(options, preset) {
        super(_options.parse(options, preset));
        this.timer = null;
        if (this.options.noTTYOutput && this.terminal.isTTY() === false) {
          this.options.synchronousUpdate = false;
        }
        this.schedulingRate = this.terminal.isTTY() ? this.options.throttleTime : this.options.notTTYSchedule;
        this.sigintCallback = null;
      }
      // internal render function
      render() {
        if (this.timer) {
          clearTimeout(this.timer);
          this.timer = null;
        }
        super.render();
        if (this.options.noTTYOutput && this.terminal.isTTY() === false) {
          this.terminal.newline();
        }
        this.timer = setTimeout(this.render.bind(this), this.schedulingRate);
      }
      update(current, payload) {
        if (!this.timer) {
          return;
        }
        super.update(current, payload);
        if (this.options.synchronousUpdate && this.lastRedraw + this.options.throttleTime * 2 < Date.now()) {
          this.render();
        }
      }
      // start the progress bar
      start(total, startValue, payload) {
        if (this.options.noTTYOutput === false && this.terminal.isTTY() === false) {
          return;
        }
        if (this.sigintCallback === null && this.options.gracefulExit) {
          this.sigintCallback = this.stop.bind(this);
          process.once("SIGINT", this.sigintCallback);
          process.once("SIGTERM", this.sigintCallback);
        }
        this.terminal.cursorSave();
        if (this.options.hideCursor === true) {
          this.terminal.cursor(false);
        }
        if (this.options.linewrap === false) {
          this.terminal.lineWrapping(false);
        }
        super.start(total, startValue, payload);
        this.render();
      }
      // stop the bar
      stop() {
        if (!this.timer) {
          return;
        }
        if (this.sigintCallback) {
          process.removeListener("SIGINT", this.sigintCallback);
          process.removeListener("SIGTERM", this.sigintCallback);
          this.sigintCallback = null;
        }
        this.render();
        super.stop();
        clearTimeout(this.timer);
        this.timer = null;
        if (this.options.hideCursor === true) {
          this.terminal.cursor(true);
        }
        if (this.options.linewrap === false) {
          this.terminal.lineWrapping(true);
        }
        this.terminal.cursorRestore();
        if (this.options.clearOnComplete) {
          this.terminal.cursorTo(0, null);
          this.terminal.clearLine();
        } else {
          this.terminal.newline();
        }
      }
    };
  }
});

// node_modules/cli-progress/lib/multi-bar.js
var require_multi_bar = __commonJS({
  "node_modules/cli-progress/lib/multi-bar.js"(exports2, module2) {
    var _Terminal = require_terminal();
    var _BarElement = require_generic_bar();
    var _options = require_options();
    var _EventEmitter = require("events");
    module2.exports = class MultiBar extends _EventEmitter {
      constructor(options, preset) {
        super();
        this.bars = [];
        this.options = _options.parse(options, preset);
        this.options.synchronousUpdate = false;
        this.terminal = this.options.terminal ? this.options.terminal : new _Terminal(this.options.stream);
        this.timer = null;
        this.isActive = false;
        this.schedulingRate = this.terminal.isTTY() ? this.options.throttleTime : this.options.notTTYSchedule;
        this.loggingBuffer = [];
        this.sigintCallback = null;
      }
      // add a new bar to the stack
      create(total, startValue, payload, barOptions = {}) {
        const bar = new _BarElement(Object.assign(
          {},
          // global options
          this.options,
          // terminal instance
          {
            terminal: this.terminal
          },
          // overrides
          barOptions
        ));
        this.bars.push(bar);
        if (this.options.noTTYOutput === false && this.terminal.isTTY() === false) {
          return bar;
        }
        if (this.sigintCallback === null && this.options.gracefulExit) {
          this.sigintCallback = this.stop.bind(this);
          process.once("SIGINT", this.sigintCallback);
          process.once("SIGTERM", this.sigintCallback);
        }
        if (!this.isActive) {
          if (this.options.hideCursor === true) {
            this.terminal.cursor(false);
          }
          if (this.options.linewrap === false) {
            this.terminal.lineWrapping(false);
          }
          this.timer = setTimeout(this.update.bind(this), this.schedulingRate);
        }
        this.isActive = true;
        bar.start(total, startValue, payload);
        this.emit("start");
        return bar;
      }
      // remove a bar from the stack
      remove(bar) {
        const index = this.bars.indexOf(bar);
        if (index < 0) {
          return false;
        }
        this.bars.splice(index, 1);
        this.update();
        this.terminal.newline();
        this.terminal.clearBottom();
        return true;
      }
      // internal update routine
      update() {
        if (this.timer) {
          clearTimeout(this.timer);
          this.timer = null;
        }
        this.emit("update-pre");
        this.terminal.cursorRelativeReset();
        this.emit("redraw-pre");
        if (this.loggingBuffer.length > 0) {
          this.terminal.clearLine();
          while (this.loggingBuffer.length > 0) {
            this.terminal.write(this.loggingBuffer.shift(), true);
          }
        }
        for (let i = 0; i < this.bars.length; i++) {
          if (i > 0) {
            this.terminal.newline();
          }
          this.bars[i].render();
        }
        this.emit("redraw-post");
        if (this.options.noTTYOutput && this.terminal.isTTY() === false) {
          this.terminal.newline();
          this.terminal.newline();
        }
        this.timer = setTimeout(this.update.bind(this), this.schedulingRate);
        this.emit("update-post");
        if (this.options.stopOnComplete && !this.bars.find((bar) => bar.isActive)) {
          this.stop();
        }
      }
      stop() {
        clearTimeout(this.timer);
        this.timer = null;
        if (this.sigintCallback) {
          process.removeListener("SIGINT", this.sigintCallback);
          process.removeListener("SIGTERM", this.sigintCallback);
          this.sigintCallback = null;
        }
        this.isActive = false;
        if (this.options.hideCursor === true) {
          this.terminal.cursor(true);
        }
        if (this.options.linewrap === false) {
          this.terminal.lineWrapping(true);
        }
        this.terminal.cursorRelativeReset();
        this.emit("stop-pre-clear");
        if (this.options.clearOnComplete) {
          this.terminal.clearBottom();
        } else {
          for (let i = 0; i < this.bars.length; i++) {
            if (i > 0) {
              this.terminal.newline();
            }
            this.bars[i].render();
            this.bars[i].stop();
          }
          this.terminal.newline();
        }
        this.emit("stop");
      }
      log(s) {
        this.loggingBuffer.push(s);
      }
    };
  }
});

// node_modules/cli-progress/presets/legacy.js
var require_legacy = __commonJS({
  "node_modules/cli-progress/presets/legacy.js"(exports2, module2) {
    module2.exports = {
      format: "progress [{bar}] {percentage}% | ETA: {eta}s | {value}/{total}",
      barCompleteChar: "=",
      barIncompleteChar: "-"
    };
  }
});

// node_modules/cli-progress/presets/shades-classic.js
var require_shades_classic = __commonJS({
  "node_modules/cli-progress/presets/shades-classic.js"(exports2, module2) {
    module2.exports = {
      format: " {bar} {percentage}% | ETA: {eta}s | {value}/{total}",
      barCompleteChar: "\u2588",
      barIncompleteChar: "\u2591"
    };
  }
});

// node_modules/cli-progress/presets/shades-grey.js
var require_shades_grey = __commonJS({
  "node_modules/cli-progress/presets/shades-grey.js"(exports2, module2) {
    module2.exports = {
      format: " \x1B[90m{bar}\x1B[0m {percentage}% | ETA: {eta}s | {value}/{total}",
      barCompleteChar: "\u2588",
      barIncompleteChar: "\u2591"
    };
  }
});

// node_modules/cli-progress/presets/rect.js
var require_rect = __commonJS({
  "node_modules/cli-progress/presets/rect.js"(exports2, module2) {
    module2.exports = {
      format: " {bar}\u25A0 {percentage}% | ETA: {eta}s | {value}/{total}",
      barCompleteChar: "\u25A0",
      barIncompleteChar: " "
    };
  }
});

// node_modules/cli-progress/presets/index.js
var require_presets = __commonJS({
  "node_modules/cli-progress/presets/index.js"(exports2, module2) {
    var _legacy = require_legacy();
    var _shades_classic = require_shades_classic();
    var _shades_grey = require_shades_grey();
    var _rect = require_rect();
    module2.exports = {
      legacy: _legacy,
      shades_classic: _shades_classic,
      shades_grey: _shades_grey,
      rect: _rect
    };
  }
});

// node_modules/cli-progress/cli-progress.js
var require_cli_progress = __commonJS({
  "node_modules/cli-progress/cli-progress.js"(exports2, module2) {
    var _SingleBar = require_single_bar();
    var _MultiBar = require_multi_bar();
    var _Presets = require_presets();
    var _Formatter = require_formatter();
    var _defaultFormatValue = require_format_value();
    var _defaultFormatBar = require_format_bar();
    var _defaultFormatTime = require_format_time();
    module2.exports = {
      Bar: _SingleBar,
      SingleBar: _SingleBar,
      MultiBar: _MultiBar,
      Presets: _Presets,
      Format: {
        Formatter: _Formatter,
        BarFormat: _defaultFormatBar,
        ValueFormat: _defaultFormatValue,
        TimeFormat: _defaultFormatTime
      }
    };
  }
});

// cli/exit-codes.ts
var EXIT = {
  /** All that was asked is done. */
  done: 0,
  /** The export failed, a file is not what the manifest says, or it cannot be written. */
  failed: 1,
  /** The command line, the configuration or the request is wrong: the same call fails again. */
  usage: 2,
  /** The Worker cannot be reached, or refuses: wrong URL, wrong token, unknown job, busy source. */
  refused: 3,
  /** Ended by Ctrl-C or a signal, as shells have it (128 + SIGINT). */
  interrupted: 130
};

// cli/start-process.ts
function startProcess(run) {
  const interrupt = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(name, () => {
      if (interrupt.signal.aborted) process.exit(EXIT.interrupted);
      interrupt.abort();
    });
  }
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", () => {
      process.exitCode = EXIT.failed;
    });
  }
  silenceSqliteWarning();
  void run({
    env: process.env,
    stdout: process.stdout,
    stderr: process.stderr,
    interrupt: interrupt.signal
  }).then((exitCode) => {
    process.exitCode ??= exitCode;
  });
}
function silenceSqliteWarning() {
  const emitWarning = process.emitWarning.bind(process);
  process.emitWarning = (...args) => {
    if (!String(args[0]).includes("SQLite is an experimental")) emitWarning(...args);
  };
}

// node_modules/valibot/dist/index.mjs
var store$4;
var DEFAULT_CONFIG = {
  lang: void 0,
  message: void 0,
  abortEarly: void 0,
  abortPipeEarly: void 0
};
// @__NO_SIDE_EFFECTS__
function getGlobalConfig(config$1) {
  if (!config$1 && !store$4) return DEFAULT_CONFIG;
  return {
    lang: config$1?.lang ?? store$4?.lang,
    message: config$1?.message,
    abortEarly: config$1?.abortEarly ?? store$4?.abortEarly,
    abortPipeEarly: config$1?.abortPipeEarly ?? store$4?.abortPipeEarly
  };
}
var store$3;
// @__NO_SIDE_EFFECTS__
function getGlobalMessage(lang) {
  return store$3?.get(lang);
}
var store$2;
// @__NO_SIDE_EFFECTS__
function getSchemaMessage(lang) {
  return store$2?.get(lang);
}
var store$1;
// @__NO_SIDE_EFFECTS__
function getSpecificMessage(reference, lang) {
  return store$1?.get(reference)?.get(lang);
}
// @__NO_SIDE_EFFECTS__
function _stringify(input) {
  const type = typeof input;
  if (type === "string") return `"${input}"`;
  if (type === "number" || type === "bigint" || type === "boolean") return `${input}`;
  if (type === "object" || type === "function") return (input && Object.getPrototypeOf(input)?.constructor?.name) ?? "null";
  return type;
}
function _addIssue(context, label, dataset, config$1, other) {
  const input = other && "input" in other ? other.input : dataset.value;
  const expected = other?.expected ?? context.expects ?? null;
  const received = other?.received ?? /* @__PURE__ */ _stringify(input);
  const issue = {
    kind: context.kind,
    type: context.type,
    input,
    expected,
    received,
    message: `Invalid ${label}: ${expected ? `Expected ${expected} but r` : "R"}eceived ${received}`,
    requirement: context.requirement,
    path: other?.path,
    issues: other?.issues,
    lang: config$1.lang,
    abortEarly: config$1.abortEarly,
    abortPipeEarly: config$1.abortPipeEarly
  };
  const isSchema = context.kind === "schema";
  const message$1 = other?.message ?? context.message ?? /* @__PURE__ */ getSpecificMessage(context.reference, issue.lang) ?? (isSchema ? /* @__PURE__ */ getSchemaMessage(issue.lang) : null) ?? config$1.message ?? /* @__PURE__ */ getGlobalMessage(issue.lang);
  if (message$1 !== void 0) issue.message = typeof message$1 === "function" ? message$1(issue) : message$1;
  if (isSchema) dataset.typed = false;
  if (dataset.issues) dataset.issues.push(issue);
  else dataset.issues = [issue];
}
// @__NO_SIDE_EFFECTS__
function _isSameValueZero(value1, value2) {
  return value1 === value2 || Number.isNaN(value1) && Number.isNaN(value2);
}
// @__NO_SIDE_EFFECTS__
function _isValidObjectKey(object$1, key) {
  return Object.prototype.hasOwnProperty.call(object$1, key) && key !== "__proto__" && key !== "prototype" && key !== "constructor";
}
// @__NO_SIDE_EFFECTS__
function _joinExpects(values$1, separator) {
  const list = [...new Set(values$1)];
  if (list.length > 1) return `(${list.join(` ${separator} `)})`;
  return list[0] ?? "never";
}
function _standardSchema(schema) {
  schema["~standard"] = {
    version: 1,
    vendor: "valibot",
    validate: (value$1) => schema["~run"]({ value: value$1 }, /* @__PURE__ */ getGlobalConfig())
  };
  return schema;
}
// @__NO_SIDE_EFFECTS__
function getDotPath(issue) {
  if (issue.path) {
    let key = "";
    for (const item of issue.path) if (typeof item.key === "string" || typeof item.key === "number") if (key) key += `.${item.key}`;
    else key += item.key;
    else return null;
    return key;
  }
  return null;
}
var EMOJI_REGEX = new RegExp("^(?:[\\u{1F1E6}-\\u{1F1FF}]{2}|\\u{1F3F4}[\\u{E0061}-\\u{E007A}]{2}[\\u{E0030}-\\u{E0039}\\u{E0061}-\\u{E007A}]{1,3}\\u{E007F}|(?:\\p{Emoji}\\uFE0F\\u20E3?|\\p{Emoji_Modifier_Base}\\p{Emoji_Modifier}?|(?![\\p{Emoji_Modifier_Base}\\u{1F1E6}-\\u{1F1FF}])\\p{Emoji_Presentation})(?:\\u200D(?:\\p{Emoji}\\uFE0F\\u20E3?|\\p{Emoji_Modifier_Base}\\p{Emoji_Modifier}?|(?![\\p{Emoji_Modifier_Base}\\u{1F1E6}-\\u{1F1FF}])\\p{Emoji_Presentation}))*)+$", "u");
var ISO_TIMESTAMP_REGEX = /^\d{4}-(?:0[1-9]|1[0-2])-(?:[12]\d|0[1-9]|3[01])[T ](?:0\d|1\d|2[0-3])(?::[0-5]\d){2}(?:\.\d{1,9})?(?:Z| ?[+-](?:0\d|1\d|2[0-3])(?::?[0-5]\d)?)$/u;
// @__NO_SIDE_EFFECTS__
function isoTimestamp(message$1) {
  return {
    kind: "validation",
    type: "iso_timestamp",
    reference: isoTimestamp,
    async: false,
    expects: null,
    requirement: ISO_TIMESTAMP_REGEX,
    message: message$1,
    "~run"(dataset, config$1) {
      if (dataset.typed && !this.requirement.test(dataset.value)) _addIssue(this, "timestamp", dataset, config$1);
      return dataset;
    }
  };
}
// @__NO_SIDE_EFFECTS__
function regex(requirement, message$1) {
  return {
    kind: "validation",
    type: "regex",
    reference: regex,
    async: false,
    expects: `${requirement}`,
    requirement,
    message: message$1,
    "~run"(dataset, config$1) {
      if (dataset.typed && !this.requirement.test(dataset.value)) _addIssue(this, "format", dataset, config$1);
      return dataset;
    }
  };
}
// @__NO_SIDE_EFFECTS__
function getFallback(schema, dataset, config$1) {
  return typeof schema.fallback === "function" ? schema.fallback(dataset, config$1) : schema.fallback;
}
// @__NO_SIDE_EFFECTS__
function getDefault(schema, dataset, config$1) {
  return typeof schema.default === "function" ? schema.default(dataset, config$1) : schema.default;
}
// @__NO_SIDE_EFFECTS__
function array(item, message$1) {
  return _standardSchema({
    kind: "schema",
    type: "array",
    reference: array,
    expects: "Array",
    async: false,
    item,
    message: message$1,
    "~run"(dataset, config$1) {
      const input = dataset.value;
      if (Array.isArray(input)) {
        dataset.typed = true;
        dataset.value = [];
        for (let key = 0; key < input.length; key++) {
          const value$1 = input[key];
          const itemDataset = this.item["~run"]({ value: value$1 }, config$1);
          if (itemDataset.issues) {
            const pathItem = {
              type: "array",
              origin: "value",
              input,
              key,
              value: value$1
            };
            for (const issue of itemDataset.issues) {
              if (issue.path) issue.path.unshift(pathItem);
              else issue.path = [pathItem];
              dataset.issues?.push(issue);
            }
            if (!dataset.issues) dataset.issues = itemDataset.issues;
            if (config$1.abortEarly) {
              dataset.typed = false;
              break;
            }
          }
          if (!itemDataset.typed) dataset.typed = false;
          dataset.value.push(itemDataset.value);
        }
      } else _addIssue(this, "type", dataset, config$1);
      return dataset;
    }
  });
}
// @__NO_SIDE_EFFECTS__
function literal(literal_, message$1) {
  return _standardSchema({
    kind: "schema",
    type: "literal",
    reference: literal,
    expects: /* @__PURE__ */ _stringify(literal_),
    async: false,
    literal: literal_,
    message: message$1,
    "~run"(dataset, config$1) {
      if (/* @__PURE__ */ _isSameValueZero(dataset.value, this.literal)) dataset.typed = true;
      else _addIssue(this, "type", dataset, config$1);
      return dataset;
    }
  });
}
// @__NO_SIDE_EFFECTS__
function looseObject(entries$1, message$1) {
  return _standardSchema({
    kind: "schema",
    type: "loose_object",
    reference: looseObject,
    expects: "Object",
    async: false,
    entries: entries$1,
    message: message$1,
    "~run"(dataset, config$1) {
      const input = dataset.value;
      if (input && typeof input === "object") {
        dataset.typed = true;
        dataset.value = {};
        for (const key in this.entries) {
          const valueSchema = this.entries[key];
          if (key in input || (valueSchema.type === "exact_optional" || valueSchema.type === "optional" || valueSchema.type === "nullish") && valueSchema.default !== void 0) {
            const value$1 = key in input ? input[key] : /* @__PURE__ */ getDefault(valueSchema);
            const valueDataset = valueSchema["~run"]({ value: value$1 }, config$1);
            if (valueDataset.issues) {
              const pathItem = {
                type: "object",
                origin: "value",
                input,
                key,
                value: value$1
              };
              for (const issue of valueDataset.issues) {
                if (issue.path) issue.path.unshift(pathItem);
                else issue.path = [pathItem];
                dataset.issues?.push(issue);
              }
              if (!dataset.issues) dataset.issues = valueDataset.issues;
              if (config$1.abortEarly) {
                dataset.typed = false;
                break;
              }
            }
            if (!valueDataset.typed) dataset.typed = false;
            dataset.value[key] = valueDataset.value;
          } else if (valueSchema.fallback !== void 0) dataset.value[key] = /* @__PURE__ */ getFallback(valueSchema);
          else if (valueSchema.type !== "exact_optional" && valueSchema.type !== "optional" && valueSchema.type !== "nullish") {
            _addIssue(this, "key", dataset, config$1, {
              input: void 0,
              expected: `"${key}"`,
              path: [{
                type: "object",
                origin: "key",
                input,
                key,
                value: input[key]
              }]
            });
            if (config$1.abortEarly) break;
          }
        }
        if (!dataset.issues || !config$1.abortEarly) {
          for (const key in input) if (/* @__PURE__ */ _isValidObjectKey(input, key) && !Object.prototype.hasOwnProperty.call(this.entries, key)) dataset.value[key] = input[key];
        }
      } else _addIssue(this, "type", dataset, config$1);
      return dataset;
    }
  });
}
// @__NO_SIDE_EFFECTS__
function nullable(wrapped, default_) {
  return _standardSchema({
    kind: "schema",
    type: "nullable",
    reference: nullable,
    expects: `(${wrapped.expects} | null)`,
    async: false,
    wrapped,
    default: default_,
    "~run"(dataset, config$1) {
      if (dataset.value === null) {
        if (this.default !== void 0) dataset.value = /* @__PURE__ */ getDefault(this, dataset, config$1);
        if (dataset.value === null) {
          dataset.typed = true;
          return dataset;
        }
      }
      return this.wrapped["~run"](dataset, config$1);
    }
  });
}
// @__NO_SIDE_EFFECTS__
function number(message$1) {
  return _standardSchema({
    kind: "schema",
    type: "number",
    reference: number,
    expects: "number",
    async: false,
    message: message$1,
    "~run"(dataset, config$1) {
      if (typeof dataset.value === "number" && !isNaN(dataset.value)) dataset.typed = true;
      else _addIssue(this, "type", dataset, config$1);
      return dataset;
    }
  });
}
// @__NO_SIDE_EFFECTS__
function object(entries$1, message$1) {
  return _standardSchema({
    kind: "schema",
    type: "object",
    reference: object,
    expects: "Object",
    async: false,
    entries: entries$1,
    message: message$1,
    "~run"(dataset, config$1) {
      const input = dataset.value;
      if (input && typeof input === "object") {
        dataset.typed = true;
        dataset.value = {};
        for (const key in this.entries) {
          const valueSchema = this.entries[key];
          if (key in input || (valueSchema.type === "exact_optional" || valueSchema.type === "optional" || valueSchema.type === "nullish") && valueSchema.default !== void 0) {
            const value$1 = key in input ? input[key] : /* @__PURE__ */ getDefault(valueSchema);
            const valueDataset = valueSchema["~run"]({ value: value$1 }, config$1);
            if (valueDataset.issues) {
              const pathItem = {
                type: "object",
                origin: "value",
                input,
                key,
                value: value$1
              };
              for (const issue of valueDataset.issues) {
                if (issue.path) issue.path.unshift(pathItem);
                else issue.path = [pathItem];
                dataset.issues?.push(issue);
              }
              if (!dataset.issues) dataset.issues = valueDataset.issues;
              if (config$1.abortEarly) {
                dataset.typed = false;
                break;
              }
            }
            if (!valueDataset.typed) dataset.typed = false;
            dataset.value[key] = valueDataset.value;
          } else if (valueSchema.fallback !== void 0) dataset.value[key] = /* @__PURE__ */ getFallback(valueSchema);
          else if (valueSchema.type !== "exact_optional" && valueSchema.type !== "optional" && valueSchema.type !== "nullish") {
            _addIssue(this, "key", dataset, config$1, {
              input: void 0,
              expected: `"${key}"`,
              path: [{
                type: "object",
                origin: "key",
                input,
                key,
                value: input[key]
              }]
            });
            if (config$1.abortEarly) break;
          }
        }
      } else _addIssue(this, "type", dataset, config$1);
      return dataset;
    }
  });
}
// @__NO_SIDE_EFFECTS__
function optional(wrapped, default_) {
  return _standardSchema({
    kind: "schema",
    type: "optional",
    reference: optional,
    expects: `(${wrapped.expects} | undefined)`,
    async: false,
    wrapped,
    default: default_,
    "~run"(dataset, config$1) {
      if (dataset.value === void 0) {
        if (this.default !== void 0) dataset.value = /* @__PURE__ */ getDefault(this, dataset, config$1);
        if (dataset.value === void 0) {
          dataset.typed = true;
          return dataset;
        }
      }
      return this.wrapped["~run"](dataset, config$1);
    }
  });
}
// @__NO_SIDE_EFFECTS__
function picklist(options, message$1) {
  return _standardSchema({
    kind: "schema",
    type: "picklist",
    reference: picklist,
    expects: /* @__PURE__ */ _joinExpects(options.map(_stringify), "|"),
    async: false,
    options,
    message: message$1,
    "~run"(dataset, config$1) {
      if (this.options.includes(dataset.value)) dataset.typed = true;
      else _addIssue(this, "type", dataset, config$1);
      return dataset;
    }
  });
}
// @__NO_SIDE_EFFECTS__
function record(key, value$1, message$1) {
  return _standardSchema({
    kind: "schema",
    type: "record",
    reference: record,
    expects: "Object",
    async: false,
    key,
    value: value$1,
    message: message$1,
    "~run"(dataset, config$1) {
      const input = dataset.value;
      if (input && typeof input === "object") {
        dataset.typed = true;
        dataset.value = {};
        for (const entryKey in input) if (/* @__PURE__ */ _isValidObjectKey(input, entryKey)) {
          const entryValue = input[entryKey];
          const keyDataset = this.key["~run"]({ value: entryKey }, config$1);
          if (keyDataset.issues) {
            const pathItem = {
              type: "object",
              origin: "key",
              input,
              key: entryKey,
              value: entryValue
            };
            for (const issue of keyDataset.issues) {
              issue.path = [pathItem];
              dataset.issues?.push(issue);
            }
            if (!dataset.issues) dataset.issues = keyDataset.issues;
            if (config$1.abortEarly) {
              dataset.typed = false;
              break;
            }
          }
          const valueDataset = this.value["~run"]({ value: entryValue }, config$1);
          if (valueDataset.issues) {
            const pathItem = {
              type: "object",
              origin: "value",
              input,
              key: entryKey,
              value: entryValue
            };
            for (const issue of valueDataset.issues) {
              if (issue.path) issue.path.unshift(pathItem);
              else issue.path = [pathItem];
              dataset.issues?.push(issue);
            }
            if (!dataset.issues) dataset.issues = valueDataset.issues;
            if (config$1.abortEarly) {
              dataset.typed = false;
              break;
            }
          }
          if (!keyDataset.typed || !valueDataset.typed) dataset.typed = false;
          if (keyDataset.typed) dataset.value[keyDataset.value] = valueDataset.value;
        }
      } else _addIssue(this, "type", dataset, config$1);
      return dataset;
    }
  });
}
// @__NO_SIDE_EFFECTS__
function strictObject(entries$1, message$1) {
  return _standardSchema({
    kind: "schema",
    type: "strict_object",
    reference: strictObject,
    expects: "Object",
    async: false,
    entries: entries$1,
    message: message$1,
    "~run"(dataset, config$1) {
      const input = dataset.value;
      if (input && typeof input === "object") {
        dataset.typed = true;
        dataset.value = {};
        for (const key in this.entries) {
          const valueSchema = this.entries[key];
          if (key in input || (valueSchema.type === "exact_optional" || valueSchema.type === "optional" || valueSchema.type === "nullish") && valueSchema.default !== void 0) {
            const value$1 = key in input ? input[key] : /* @__PURE__ */ getDefault(valueSchema);
            const valueDataset = valueSchema["~run"]({ value: value$1 }, config$1);
            if (valueDataset.issues) {
              const pathItem = {
                type: "object",
                origin: "value",
                input,
                key,
                value: value$1
              };
              for (const issue of valueDataset.issues) {
                if (issue.path) issue.path.unshift(pathItem);
                else issue.path = [pathItem];
                dataset.issues?.push(issue);
              }
              if (!dataset.issues) dataset.issues = valueDataset.issues;
              if (config$1.abortEarly) {
                dataset.typed = false;
                break;
              }
            }
            if (!valueDataset.typed) dataset.typed = false;
            dataset.value[key] = valueDataset.value;
          } else if (valueSchema.fallback !== void 0) dataset.value[key] = /* @__PURE__ */ getFallback(valueSchema);
          else if (valueSchema.type !== "exact_optional" && valueSchema.type !== "optional" && valueSchema.type !== "nullish") {
            _addIssue(this, "key", dataset, config$1, {
              input: void 0,
              expected: `"${key}"`,
              path: [{
                type: "object",
                origin: "key",
                input,
                key,
                value: input[key]
              }]
            });
            if (config$1.abortEarly) break;
          }
        }
        if (!dataset.issues || !config$1.abortEarly) {
          for (const key in input) if (!Object.prototype.hasOwnProperty.call(this.entries, key)) {
            _addIssue(this, "key", dataset, config$1, {
              input: key,
              expected: "never",
              path: [{
                type: "object",
                origin: "key",
                input,
                key,
                value: input[key]
              }]
            });
            break;
          }
        }
      } else _addIssue(this, "type", dataset, config$1);
      return dataset;
    }
  });
}
// @__NO_SIDE_EFFECTS__
function string(message$1) {
  return _standardSchema({
    kind: "schema",
    type: "string",
    reference: string,
    expects: "string",
    async: false,
    message: message$1,
    "~run"(dataset, config$1) {
      if (typeof dataset.value === "string") dataset.typed = true;
      else _addIssue(this, "type", dataset, config$1);
      return dataset;
    }
  });
}
// @__NO_SIDE_EFFECTS__
function unknown() {
  return _standardSchema({
    kind: "schema",
    type: "unknown",
    reference: unknown,
    expects: "unknown",
    async: false,
    "~run"(dataset) {
      dataset.typed = true;
      return dataset;
    }
  });
}
// @__NO_SIDE_EFFECTS__
function pipe(...pipe$1) {
  return _standardSchema({
    ...pipe$1[0],
    pipe: pipe$1,
    "~run"(dataset, config$1) {
      for (const item of pipe$1) if (item.kind !== "metadata") {
        if (dataset.issues && (item.kind === "schema" || item.kind === "transformation")) {
          dataset.typed = false;
          break;
        }
        if (!dataset.issues || !config$1.abortEarly && !config$1.abortPipeEarly) dataset = item["~run"](dataset, config$1);
      }
      return dataset;
    }
  });
}
// @__NO_SIDE_EFFECTS__
function safeParse(schema, input, config$1) {
  const dataset = schema["~run"]({ value: input }, /* @__PURE__ */ getGlobalConfig(config$1));
  return {
    typed: dataset.typed,
    success: !dataset.issues,
    output: dataset.value,
    issues: dataset.issues
  };
}

// src/model/version.ts
var VERSION = "0.1.0";

// src/model/job-state.ts
var JOB_STATES = [
  "queued",
  "running",
  "completed",
  "failed",
  "cancelled",
  "expired"
];

// cli/answers.ts
var ProgressSchema = looseObject({
  percent: optional(nullable(number()), null),
  tablesDone: number(),
  tablesTotal: number(),
  rows: number(),
  bytes: number(),
  bytesPerSecond: optional(nullable(number()), null),
  etaSeconds: optional(nullable(number()), null)
});
var JobSchema = looseObject({
  jobId: string(),
  status: picklist(JOB_STATES),
  source: string(),
  format: string(),
  compression: string(),
  consistency: string(),
  createdAt: string(),
  completedAt: optional(nullable(string()), null),
  expiresAt: optional(nullable(string()), null),
  snapshotAt: optional(nullable(string()), null),
  progress: ProgressSchema,
  warnings: optional(array(string()), []),
  error: optional(
    nullable(
      looseObject({ code: string(), message: string(), hint: optional(string()) })
    ),
    null
  )
});
var JobListSchema = looseObject({
  jobs: array(JobSchema),
  cursor: optional(nullable(string()), null)
});
var ManifestArtifactSchema = looseObject({
  name: string(),
  bytes: number(),
  sha256: pipe(string(), regex(/^[0-9a-f]{64}$/)),
  chunks: optional(array(looseObject({ bytes: number(), sha256: string() })), [])
});
var ManifestSchema = looseObject({
  jobId: string(),
  source: string(),
  format: string(),
  compression: string(),
  consistency: string(),
  snapshotAt: string(),
  tables: array(looseObject({ name: string(), rows: number(), bytes: number() })),
  artifacts: array(ManifestArtifactSchema),
  warnings: optional(array(string()), [])
});
var SourcesSchema = looseObject({
  version: string(),
  storage: picklist(["r2", "inline"]),
  sources: array(looseObject({ name: string(), type: string() }))
});
var ProblemSchema = looseObject({
  code: string(),
  detail: string(),
  hint: optional(string()),
  jobId: optional(string())
});

// cli/cli-error.ts
var CliError = class extends Error {
  name = "CliError";
  exitCode;
  code;
  /** What to do about it: a sentence. */
  hint;
  constructor(code3, message, options) {
    super(message, options.cause === void 0 ? {} : { cause: options.cause });
    this.code = typeof code3 === "string" ? code3 : code3.ofWorker;
    this.exitCode = options.exitCode;
    this.hint = options.hint;
  }
  /** True for this program's own `code`; the Worker's codes are other words. */
  is(code3) {
    return this.code === code3;
  }
};
var Interrupted = class extends CliError {
  constructor(message = "interrupted", hint) {
    super("interrupted", message, { exitCode: EXIT.interrupted, hint });
  }
};
function usageError(message, hint) {
  return new CliError("usage", message, { exitCode: EXIT.usage, hint });
}
function throwIfInterrupted(signal) {
  if (signal.aborted) throw new Interrupted();
}

// cli/format.ts
var countFormat = new Intl.NumberFormat("en");
var UNITS = ["B", "kB", "MB", "GB", "TB"];
function formatCount(value) {
  return countFormat.format(value);
}
function formatBytes(bytes) {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1e3;
    unit += 1;
  }
  return `${unit === 0 ? String(value) : value.toPrecision(3)} ${UNITS[unit]}`;
}
function formatSeconds(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor(whole % 3600 / 60)} min`;
}
function formatTable(header, rows) {
  const all = [header, ...rows];
  const widths = header.map(
    (_, column) => Math.max(...all.map((row) => (row[column] ?? "").length))
  );
  const isNumber = header.map(
    (_, column) => rows.every((row) => /^[\d,.]*( [kMGT]?B)?%?$/.test(row[column] ?? ""))
  );
  return all.map(
    (row) => row.map((cell, column) => {
      const width = widths[column] ?? 0;
      return isNumber[column] ? cell.padStart(width) : cell.padEnd(width);
    }).join("  ").trimEnd()
  ).join("\n");
}
function oneLine(text2) {
  return text2.replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, " ").trim();
}

// cli/network-error.ts
var WORDS = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset",
  ECONNABORTED: "connection aborted",
  EPIPE: "connection closed",
  ENOTFOUND: "there is no such host",
  EAI_AGAIN: "the host name cannot be looked up at the moment",
  ETIMEDOUT: "connection timed out",
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "no network",
  UND_ERR_CONNECT_TIMEOUT: "connection timed out",
  UND_ERR_HEADERS_TIMEOUT: "no answer in time",
  UND_ERR_BODY_TIMEOUT: "the answer stopped",
  UND_ERR_SOCKET: "connection closed",
  HPE_INVALID_CONSTANT: "the server does not speak HTTP"
};
var FINAL = /^(ENOTFOUND$|ERR_TLS|ERR_SSL|ERR_INVALID|CERT_|HPE_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/;
function describeNetworkError(error) {
  if (error instanceof Error && error.name === "TimeoutError") {
    return { words: "no answer in time", retryable: true };
  }
  const { code: code3, message } = innermost(error);
  if (code3 === void 0) return { words: message, retryable: !message.includes("bad port") };
  return { words: WORDS[code3] ?? `${message} (${code3})`, retryable: !FINAL.test(code3) };
}
function innermost(error) {
  let current = error;
  while (current instanceof Error) {
    const next = current instanceof AggregateError && current.errors.length > 0 ? current.errors[0] : current.cause;
    if (!(next instanceof Error)) {
      const { code: code3 } = current;
      return { code: typeof code3 === "string" ? code3 : void 0, message: current.message };
    }
    current = next;
  }
  return { code: void 0, message: String(current) };
}

// cli/retry.ts
var import_promises = require("node:timers/promises");
var RETRY_BASE_MS = 500;
var RETRY_WAIT_MS_MAX = 3e4;
var RETRY_AFTER_MS_MAX = 3e5;
function backoffMs(policy, attempt) {
  const ceiling = Math.min(policy.baseMs * 2 ** attempt, RETRY_WAIT_MS_MAX);
  return ceiling / 2 + Math.random() * (ceiling / 2);
}
function retryAfterMs(header, nowMs) {
  if (header === null) return void 0;
  const text2 = header.trim();
  const waitMs = /^\d+$/.test(text2) ? Number(text2) * 1e3 : Date.parse(text2) - nowMs;
  return Number.isNaN(waitMs) ? void 0 : Math.min(Math.max(waitMs, 0), RETRY_AFTER_MS_MAX);
}
async function wait(ms, signal) {
  try {
    await (0, import_promises.setTimeout)(ms, void 0, { signal });
  } catch (cause) {
    if (signal.aborted) throw new Interrupted();
    throw cause;
  }
}

// cli/api-client.ts
var ANSWER_TIMEOUT_MS = 6e4;
var ERROR_TEXT_CHARS_MAX = 64 * 1024;
var MISCONFIGURED = "configuration-invalid";
var ApiClient = class {
  #options;
  constructor(options) {
    this.#options = options;
  }
  get url() {
    return this.#options.url;
  }
  get retry() {
    return this.#options.retry;
  }
  get signal() {
    return this.#options.signal;
  }
  /** Starts a job, or gives the one that this key has started. */
  startJob(body, idempotencyKey, signal) {
    return this.#json(JobSchema, {
      method: "POST",
      path: "/export/dump",
      headers: { "idempotency-key": idempotencyKey },
      body,
      ...signal === void 0 ? {} : { signal }
    });
  }
  getJob(jobId) {
    return this.#json(JobSchema, { method: "GET", path: jobPath(jobId) });
  }
  listJobs(query) {
    const search = new URLSearchParams({ limit: String(query.limit) });
    if (query.status !== void 0) search.set("status", query.status);
    if (query.cursor !== void 0) search.set("cursor", query.cursor);
    return this.#json(JobListSchema, { method: "GET", path: `/export/jobs?${search}` });
  }
  /** Cancels a running job; removes an ended one with its files. Idempotent. */
  async removeJob(jobId, options = {}) {
    const response = await this.#call({ method: "DELETE", path: jobPath(jobId), ...options });
    if (response.status === 204) return null;
    return (await this.#parse(JobSchema, response)).status;
  }
  /** The manifest as it is kept, and what of it this program reads. */
  async getManifest(jobId) {
    const response = await this.#call({ method: "GET", path: `${jobPath(jobId)}/manifest` });
    const text2 = await this.#text(response);
    return { text: text2, manifest: this.#check(ManifestSchema, text2, response) };
  }
  /** Sources and store. Undefined where the Worker is too old to tell. */
  async findSources() {
    try {
      return await this.#json(SourcesSchema, { method: "GET", path: "/export/sources" });
    } catch (error) {
      const code3 = "not-found";
      if (error instanceof CliError && error.code === code3) return void 0;
      throw error;
    }
  }
  /** Whether a Durable Export Worker answers at the URL; needs no token. */
  async checkHealth() {
    await this.#json(looseObject({ status: literal("ok") }), {
      method: "GET",
      path: "/health"
    });
  }
  /**
   * The bytes of one artifact, or, without a name, of all that the job has. Who reads the body has
   * to go on where it breaks off.
   */
  openDownload(jobId, artifact, options) {
    const name = artifact === void 0 ? "" : `/${encodeURIComponent(artifact)}`;
    return this.#call({
      method: "GET",
      path: `${jobPath(jobId)}/download${name}`,
      // Without it the platform may compress on the way, and ranges would count other bytes.
      headers: { "accept-encoding": "identity", ...options.headers },
      signal: options.signal,
      redirect: "follow",
      isDownload: true
    });
  }
  async #json(schema, call) {
    return this.#parse(schema, await this.#call(call));
  }
  async #parse(schema, response) {
    return this.#check(schema, await this.#text(response), response);
  }
  #check(schema, text2, response) {
    const parsed = safeParse(schema, parseJson(text2));
    if (parsed.success) return parsed.output;
    throw this.#notOurs(response);
  }
  async #text(response) {
    try {
      return await response.text();
    } catch (error) {
      throw this.#unreachable(error);
    }
  }
  /** A successful answer. Repeats what may pass. */
  async #call(call) {
    const signal = call.signal ?? this.#options.signal;
    const policy = call.retry ?? this.#options.retry;
    for (let attempt = 0; ; attempt += 1) {
      throwIfInterrupted(signal);
      const outcome = await this.#try(call, signal);
      if ("response" in outcome) return outcome.response;
      if (!outcome.retryable || attempt >= policy.retries) throw outcome.error;
      const waitMs = outcome.waitMs ?? backoffMs(policy, attempt);
      this.#options.onRetry(
        `${outcome.error.message}: trying again in ${formatSeconds(Math.ceil(waitMs / 1e3))}`
      );
      await wait(waitMs, signal);
    }
  }
  async #try(call, signal) {
    let response;
    try {
      response = await this.#fetch(call, signal);
    } catch (error) {
      if (signal.aborted) throw new Interrupted();
      return { error: this.#unreachable(error), retryable: describeNetworkError(error).retryable };
    }
    if (response.ok) return { response };
    const text2 = await readStart(response);
    const problem = safeParse(ProblemSchema, parseJson(text2));
    const isPassing = (response.status === 429 || response.status >= 500) && !(problem.success && problem.output.code === MISCONFIGURED);
    return {
      error: problem.success ? refusal(this.#options.url, response.status, problem.output) : this.#notOurs(response, text2),
      retryable: isPassing,
      waitMs: retryAfterMs(response.headers.get("retry-after"), Date.now())
    };
  }
  #fetch(call, signal) {
    const timeout = call.isDownload === true ? [] : [AbortSignal.timeout(ANSWER_TIMEOUT_MS)];
    return fetch(`${this.#options.url}${call.path}`, {
      method: call.method,
      headers: {
        accept: "application/json, application/problem+json, */*;q=0.5",
        authorization: `Bearer ${this.#options.token}`,
        "user-agent": `durable-export/${VERSION}`,
        ...call.body === void 0 ? {} : { "content-type": "application/json" },
        ...call.headers
      },
      ...call.body === void 0 ? {} : { body: JSON.stringify(call.body) },
      redirect: call.redirect ?? "manual",
      signal: AbortSignal.any([signal, ...timeout])
    });
  }
  #unreachable(error) {
    const { words } = describeNetworkError(error);
    return new CliError("unreachable", `${this.#options.url} cannot be reached: ${words}`, {
      exitCode: EXIT.refused,
      cause: error
    });
  }
  /** An answer that no Durable Export Worker gives: mostly a wrong URL, or a gateway's error page. */
  #notOurs(response, text2 = "") {
    const { status, headers } = response;
    const location = headers.get("location");
    if (status >= 300 && status < 400 && location !== null) {
      return new CliError(
        "redirected",
        `${this.#options.url} redirects to ${oneLine(location)}, and the token is not sent there`,
        { exitCode: EXIT.refused, hint: "If that is the Worker, give its URL with --url." }
      );
    }
    if (status === 429 || status >= 500) {
      return new CliError("unreachable", `${this.#options.url} answers with status ${status}`, {
        exitCode: EXIT.refused
      });
    }
    const type = headers.get("content-type")?.split(";")[0] ?? "no content type";
    const title = /<title>([^<]{1,80})/i.exec(text2)?.[1];
    const what = title === void 0 ? type : `${type}, ${oneLine(title)}`;
    return new CliError(
      "not-durable-export",
      `${this.#options.url} does not answer as Durable Export does (status ${status}, ${what})`,
      { exitCode: EXIT.refused, hint: "Check the URL; `durable-export doctor` tells more." }
    );
  }
};
function jobPath(jobId) {
  return `/export/dump/${encodeURIComponent(jobId)}`;
}
function refusal(url, status, problem) {
  const { code: code3, detail, jobId } = problem;
  const noRoute = "not-found";
  if (code3 === noRoute) {
    return new CliError(
      { ofWorker: code3 },
      `${url} is no Durable Export Worker's URL, or has another path`,
      {
        exitCode: EXIT.refused,
        hint: "Check the URL; it has no path where the Worker has a host of its own."
      }
    );
  }
  const busy = "export-already-running";
  return new CliError({ ofWorker: code3 }, `${code3}: ${detail}`, {
    exitCode: status === 400 ? EXIT.usage : EXIT.refused,
    hint: code3 === busy && jobId !== void 0 ? `Wait for it with \`durable-export wait ${jobId}\`, or end it with \`durable-export cancel ${jobId}\`.` : problem.hint
  });
}
function parseJson(text2) {
  try {
    return JSON.parse(text2);
  } catch {
    return void 0;
  }
}
async function readStart(response) {
  const decoder = new TextDecoder();
  let text2 = "";
  try {
    for await (const piece of response.body ?? []) {
      text2 += decoder.decode(piece, { stream: true });
      if (text2.length > ERROR_TEXT_CHARS_MAX) break;
    }
  } catch {
  }
  return text2;
}

// cli/config.ts
var import_node_fs = require("node:fs");
var import_node_os = require("node:os");
var import_node_path = require("node:path");
var FileSchema = strictObject({
  url: optional(string()),
  token: optional(string())
});
var NO_URL_HINT = "Give --url, set DURABLE_EXPORT_URL, or write it into the configuration file (docs/cli.md).";
var NO_TOKEN_HINT = "Set DURABLE_EXPORT_TOKEN, give --token, or write it into the configuration file (docs/cli.md).";
function resolveConfig(input) {
  const isFileNeeded = [
    [input.url, input.env["DURABLE_EXPORT_URL"]],
    [input.token, input.env["DURABLE_EXPORT_TOKEN"]]
  ].some((values) => values.every((value) => (value ?? "").trim() === ""));
  const file = isFileNeeded ? readConfigFile(input) : void 0;
  const url = pick([
    [input.url, "--url"],
    [input.env["DURABLE_EXPORT_URL"], "DURABLE_EXPORT_URL"],
    [file?.values.url, file?.path]
  ]);
  if (url === void 0) throw usageError("no URL of a Worker is given", NO_URL_HINT);
  const token = pick([
    [input.token, "--token"],
    [input.env["DURABLE_EXPORT_TOKEN"], "DURABLE_EXPORT_TOKEN"],
    [file?.values.token, file?.path]
  ]);
  if (token === void 0) throw usageError("no token is given", NO_TOKEN_HINT);
  if (!/^[\x21-\x7e]+$/.test(token.value)) {
    throw usageError(
      `the token of ${token.from} holds white space or characters that no HTTP header can carry`
    );
  }
  const { href, warnings } = checkUrl(url.value, url.from);
  if (file?.values.token !== void 0 && isReadableByOthers(file.path)) {
    warnings.push(
      `${file.path} holds a token and others may read it: chmod 600 ${JSON.stringify(file.path)}`
    );
  }
  return { url: href, urlFrom: url.from, token: token.value, tokenFrom: token.from, warnings };
}
function defaultConfigPath(env) {
  const base = env["XDG_CONFIG_HOME"];
  return (0, import_node_path.join)(
    base === void 0 || base === "" ? (0, import_node_path.join)(env["HOME"] ?? (0, import_node_os.homedir)(), ".config") : base,
    "durable-export",
    "config.json"
  );
}
function pick(candidates) {
  for (const [value, from] of candidates) {
    const trimmed = value?.trim();
    if (trimmed !== void 0 && trimmed !== "") return { value: trimmed, from: from ?? "" };
  }
  return void 0;
}
function readConfigFile(input) {
  const named = input.config ?? input.env["DURABLE_EXPORT_CONFIG"];
  const path = named ?? defaultConfigPath(input.env);
  let text2;
  try {
    text2 = (0, import_node_fs.readFileSync)(path, "utf8");
  } catch (cause) {
    const { code: code3 } = cause;
    if (named === void 0 && (code3 === "ENOENT" || code3 === "ENOTDIR")) return void 0;
    throw usageError(`the configuration file ${path} cannot be read: ${code3 ?? String(cause)}`);
  }
  let json;
  try {
    json = JSON.parse(text2);
  } catch {
    throw usageError(`the configuration file ${path} is not JSON`);
  }
  const parsed = safeParse(FileSchema, json);
  if (parsed.success) return { path, values: parsed.output };
  const keys = parsed.issues.map((issue) => getDotPath(issue) ?? "the whole").join(", ");
  throw usageError(
    `the configuration file ${path} is wrong at: ${keys}`,
    'It holds a "url" and a "token", both text.'
  );
}
function isReadableByOthers(path) {
  return process.platform !== "win32" && ((0, import_node_fs.statSync)(path).mode & 63) !== 0;
}
function checkUrl(text2, from) {
  let url;
  try {
    url = new URL(text2);
  } catch {
    throw usageError(
      `the URL of ${from} is not a URL`,
      "It looks like https://export.example.workers.dev."
    );
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw usageError(`the URL of ${from} does not begin with https://`);
  }
  if (url.username !== "" || url.password !== "") {
    throw usageError(`the URL of ${from} holds a user name or password`, NO_TOKEN_HINT);
  }
  const isLocal = ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname);
  const warnings = url.protocol === "http:" && !isLocal ? [`the token travels unencrypted to ${url.origin}: use https`] : [];
  return { href: `${url.origin}${url.pathname.replace(/\/+$/, "")}`, warnings };
}

// cli/download-artifacts.ts
var import_node_path4 = require("node:path");

// cli/download-file.ts
var import_promises3 = require("node:fs/promises");

// cli/partial-file.ts
var import_node_crypto = require("node:crypto");
var import_node_fs2 = require("node:fs");
var import_promises2 = require("node:fs/promises");
var import_node_path2 = require("node:path");
var READ_BYTES = 1024 * 1024;
function partialPathOf(path) {
  return `${path}.part`;
}
var PartialFile = class _PartialFile {
  path;
  #handle;
  #bytes;
  constructor(path, handle, bytes) {
    this.path = path;
    this.#handle = handle;
    this.#bytes = bytes;
  }
  /** Opens what an earlier try left, or a new one. */
  static async open(path) {
    const partial = partialPathOf(path);
    try {
      const handle = await (0, import_promises2.open)(partial, "a+");
      return new _PartialFile(path, handle, (await handle.stat()).size);
    } catch (error) {
      throw diskError(error, partial);
    }
  }
  /** What has been written so far, by earlier tries too. */
  get bytes() {
    return this.#bytes;
  }
  /** Fails early where the disk has less free than what is to come, in bytes. */
  async reserve(bytes) {
    const { bavail, blocks, bsize } = await (0, import_promises2.statfs)((0, import_node_path2.dirname)(this.path));
    const free = bavail * bsize;
    if (blocks > 0 && free < bytes)
      throw noSpace(this.path, `${formatBytes(bytes)} are needed, ${formatBytes(free)} are free`);
  }
  async write(chunk) {
    try {
      let written = 0;
      while (written < chunk.length) {
        const { bytesWritten } = await this.#handle.write(chunk, written);
        written += bytesWritten;
        this.#bytes += bytesWritten;
      }
    } catch (error) {
      throw diskError(error, this.path);
    }
  }
  /** Forgets every byte. */
  async restart() {
    await this.#handle.truncate(0);
    this.#bytes = 0;
  }
  /** Waits for the disk and gives the file its name, in place of what had it. */
  async publish() {
    try {
      await this.#handle.sync();
      await this.#handle.close();
      await (0, import_promises2.rename)(partialPathOf(this.path), this.path);
      await syncFolder((0, import_node_path2.dirname)(this.path));
    } catch (error) {
      throw diskError(error, this.path);
    }
  }
  /** Closes it and keeps it for the next try. May be called after `publish`. */
  async close() {
    await this.#handle.close();
  }
  async discard() {
    await this.#handle.close();
    await (0, import_promises2.rm)(partialPathOf(this.path), { force: true });
  }
};
async function syncFolder(path) {
  if (process.platform === "win32") return;
  const folder = await (0, import_promises2.open)(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
async function hashFile(path, options) {
  const hash = (0, import_node_crypto.createHash)("sha256");
  const { range } = options;
  if (range?.length === 0) return hash.digest("hex");
  let bytes = 0;
  try {
    const stream = (0, import_node_fs2.createReadStream)(path, {
      highWaterMark: READ_BYTES,
      ...range === void 0 ? {} : { start: range.offset, end: range.offset + range.length - 1 }
    });
    for await (const chunk of stream) {
      throwIfInterrupted(options.signal);
      hash.update(chunk);
      bytes += chunk.length;
      options.onBytes?.(bytes);
    }
  } catch (error) {
    throw error instanceof CliError ? error : diskError(error, path);
  }
  return hash.digest("hex");
}
async function findFileKind(path) {
  try {
    const found = await (0, import_promises2.stat)(path);
    if (found.isDirectory()) return "folder";
    return found.isFile() ? "file" : "device";
  } catch (error) {
    if (error.code === "ENOENT") return void 0;
    throw diskError(error, path);
  }
}
var WORDS2 = {
  EACCES: "permission denied",
  EPERM: "not permitted",
  EROFS: "the disk is read-only",
  ENOENT: "there is no such file or folder",
  ENOTDIR: "a part of the path is no folder",
  EISDIR: "it is a folder",
  EIO: "the disk fails",
  EPIPE: "the reader has gone"
};
function diskError(error, path, isResumable = true) {
  if (error instanceof CliError) return error;
  const { code: code3, message } = error;
  if (code3 === "ENOSPC" || code3 === "EDQUOT" || code3 === "EFBIG") {
    const words = {
      ENOSPC: "the disk is full",
      EDQUOT: "the quota is used up",
      EFBIG: "the file is too large for the disk"
    };
    return noSpace(path, words[code3], { cause: error, isResumable });
  }
  return new CliError("file", `${path}: ${WORDS2[code3 ?? ""] ?? code3 ?? message}`, {
    exitCode: EXIT.failed,
    cause: error
  });
}
function noSpace(path, why, { cause, isResumable = true } = {}) {
  return new CliError("disk-full", `${path}: ${why}`, {
    exitCode: EXIT.failed,
    hint: isResumable ? "Free some space and run the same command again: it goes on where it stopped." : void 0,
    cause
  });
}

// cli/progress.ts
var import_cli_progress = __toESM(require_cli_progress(), 1);
var LINE_EVERY_MS = 1e4;
var RATE_WINDOW_MS = 5e3;
var NO_PROGRESS = { update: () => void 0, clear: () => void 0 };
function startProgress(label, stream, write) {
  return stream.isTTY === true ? startBar(label, stream) : startLines(label, write);
}
function startBar(label, stream) {
  const bar = new import_cli_progress.SingleBar(
    {
      format: `${label.padEnd(11)} {bar} {shown}  {text}`,
      barsize: 30,
      stream,
      clearOnComplete: true,
      hideCursor: true,
      // The library would end the process at once on Ctrl-C; here the server is asked to cancel.
      gracefulExit: false,
      etaBuffer: 1
    },
    import_cli_progress.Presets.shades_classic
  );
  bar.start(100, 0, { shown: "", text: "" });
  let isShown = true;
  return {
    update: (percent, text2) => {
      const shown = percent === null ? "    " : `${Math.floor(percent)}%`.padStart(4);
      if (isShown) bar.update(percent ?? 0, { shown, text: text2 });
    },
    clear: () => {
      if (isShown) bar.stop();
      isShown = false;
    }
  };
}
function startLines(label, write) {
  let lastMs = Date.now();
  return {
    update: (percent, text2) => {
      if (Date.now() - lastMs < LINE_EVERY_MS) return;
      lastMs = Date.now();
      write(`${label}: ${percent === null ? "" : `${Math.floor(percent)}%  `}${text2}`);
    },
    clear: () => void 0
  };
}
var Rate = class {
  #samples = [];
  /** Undefined before two samples differ in time. */
  add(bytes, nowMs) {
    this.#samples.push({ atMs: nowMs, bytes });
    while (this.#samples.length > 2 && nowMs - (this.#samples[1]?.atMs ?? nowMs) > RATE_WINDOW_MS) {
      this.#samples.shift();
    }
    const first = this.#samples[0];
    if (first === void 0 || nowMs <= first.atMs) return void 0;
    return (bytes - first.bytes) * 1e3 / (nowMs - first.atMs);
  }
};

// cli/transfer.ts
var STALL_MS = 6e4;
async function transferArtifact(transfer) {
  const { client, artifact, sink } = transfer;
  let failures = 0;
  if (sink.bytes > artifact.bytes) await sink.restart();
  while (sink.bytes < artifact.bytes) {
    const before = sink.bytes;
    try {
      await readOnce(transfer);
      if (sink.bytes < artifact.bytes) throw lost("the connection ended early");
    } catch (error) {
      if (client.signal.aborted) throw new Interrupted();
      if (!(error instanceof CliError) || !error.is("connection-lost")) throw error;
      failures = sink.bytes > before ? 1 : failures + 1;
      if (failures > client.retry.retries) throw error;
      const waitMs = backoffMs(client.retry, failures - 1);
      transfer.onRetry(
        `${artifact.name}: ${error.message}: going on in ${formatSeconds(Math.ceil(waitMs / 1e3))}`
      );
      await wait(waitMs, client.signal);
    }
  }
}
async function readOnce({ client, jobId, artifact, sink, onBytes }) {
  const connection = new AbortController();
  const signal = AbortSignal.any([client.signal, connection.signal]);
  const response = await openAt(client, jobId, artifact, sink.bytes, signal);
  const stall = setTimeout(() => connection.abort(), STALL_MS);
  try {
    if (response.status !== 206 && sink.bytes > 0) await sink.restart();
    for await (const chunk of readBody(response)) {
      stall.refresh();
      if (sink.bytes + chunk.length > artifact.bytes) throw tooLong(artifact);
      await sink.write(chunk);
      stall.refresh();
      onBytes(sink.bytes);
    }
  } catch (error) {
    throw connection.signal.aborted ? lost(`nothing came for ${STALL_MS / 1e3} s`) : error;
  } finally {
    clearTimeout(stall);
    connection.abort();
  }
}
async function openAt(client, jobId, artifact, offset, signal) {
  const headers = offset === 0 ? {} : { range: `bytes=${offset}-`, "if-range": `"${artifact.sha256}"` };
  const response = await client.openDownload(jobId, artifact.name, { headers, signal });
  if (response.status === 206) {
    const range = response.headers.get("content-range") ?? "";
    if (!range.startsWith(`bytes ${offset}-`) || !range.endsWith(`/${artifact.bytes}`)) {
      throw new CliError(
        "download-wrong",
        `${artifact.name}: asked for bytes from ${offset}, and got ${range || "no Content-Range"}`,
        { exitCode: EXIT.failed }
      );
    }
  }
  return response;
}
async function* readBody(response) {
  const reader = response.body?.getReader();
  if (reader === void 0) return;
  try {
    for (; ; ) {
      let step;
      try {
        step = await reader.read();
      } catch (error) {
        throw lost(describeNetworkError(error).words, error);
      }
      if (step.done) return;
      yield step.value;
    }
  } finally {
    reader.cancel().catch(() => void 0);
  }
}
function lost(words, cause) {
  return new CliError("connection-lost", `the download broke off: ${words}`, {
    exitCode: EXIT.refused,
    hint: "Run the same command again: it goes on where it stopped.",
    cause
  });
}
function tooLong(artifact) {
  return new CliError(
    "download-wrong",
    `${artifact.name} brings more than its ${artifact.bytes} bytes`,
    {
      exitCode: EXIT.failed
    }
  );
}

// cli/download-file.ts
async function downloadFile(options) {
  if (await isAlreadyThere(options)) return;
  const file = await PartialFile.open(options.path);
  try {
    const resumedBytes = file.bytes;
    await fill(options, file);
    if (await hashPartial(options) !== options.artifact.sha256) {
      await file.restart();
      if (resumedBytes === 0) throw mismatch(options.artifact.name);
      await fill(options, file);
      if (await hashPartial(options) !== options.artifact.sha256) {
        await file.restart();
        throw mismatch(options.artifact.name);
      }
    }
    await file.publish();
  } catch (error) {
    await file.close();
    if (file.bytes === 0) await (0, import_promises3.rm)(partialPathOf(options.path), { force: true });
    throw error;
  } finally {
    options.terminal.clearProgress();
  }
}
async function isAlreadyThere({ client, artifact, path }) {
  if (await findFileKind(path) !== "file") return false;
  if ((await (0, import_promises3.stat)(path)).size !== artifact.bytes) return false;
  return await hashFile(path, { signal: client.signal }) === artifact.sha256;
}
async function fill(options, file) {
  const { client, terminal, jobId, artifact } = options;
  if (file.bytes > 0 && file.bytes < artifact.bytes) {
    const { bytes } = artifact;
    terminal.note(`going on at ${formatBytes(file.bytes)} of ${formatBytes(bytes)}`);
  }
  await file.reserve(Math.max(artifact.bytes - file.bytes, 0));
  const progress = terminal.startProgress("downloading");
  await transferArtifact({
    client,
    jobId,
    artifact,
    sink: file,
    onBytes: showBytes(progress, artifact.bytes),
    onRetry: (line) => terminal.note(line)
  });
}
function hashPartial({ client, terminal, artifact, path }) {
  const progress = terminal.startProgress("verifying");
  return hashFile(partialPathOf(path), {
    signal: client.signal,
    onBytes: showBytes(progress, artifact.bytes)
  });
}
function showBytes(progress, totalBytes) {
  const rate = new Rate();
  return (bytes) => {
    const perSecond = rate.add(bytes, Date.now());
    const left = perSecond === void 0 || perSecond <= 0 ? "" : `  ${formatBytes(Math.round(perSecond))}/s  ${formatSeconds((totalBytes - bytes) / perSecond)} left`;
    const percent = totalBytes === 0 ? 100 : bytes / totalBytes * 100;
    progress.update(percent, `${formatBytes(bytes)} of ${formatBytes(totalBytes)}${left}`);
  };
}
function mismatch(name) {
  return new CliError(
    "checksum-mismatch",
    `${name}: what arrived does not have the SHA-256 of the manifest, and was thrown away`,
    { exitCode: EXIT.failed, hint: "Try again; if it stays so, start a new export." }
  );
}

// cli/download-stream.ts
var import_node_crypto2 = require("node:crypto");
async function downloadStream(options) {
  const { client, terminal, jobId, artifact } = options;
  const hash = (0, import_node_crypto2.createHash)("sha256");
  const sink = streamSink(options, (chunk) => hash.update(chunk));
  const progress = terminal.startProgress("downloading");
  try {
    await transferArtifact({
      client,
      jobId,
      artifact,
      sink,
      onBytes: showBytes(progress, artifact.bytes),
      onRetry: (line) => terminal.note(line)
    });
  } finally {
    terminal.clearProgress();
  }
  if (hash.digest("hex") === artifact.sha256) return;
  throw new CliError(
    "checksum-mismatch",
    `${artifact.name}: what was written to ${options.name} does not have the SHA-256 of the manifest`,
    { exitCode: EXIT.failed, hint: "Throw it away and try again." }
  );
}
function streamSink(options, onChunk) {
  let bytes = 0;
  return {
    get bytes() {
      return bytes;
    },
    write: async (chunk) => {
      await writeTo(options.stream, chunk, options.name);
      onChunk(chunk);
      bytes += chunk.length;
    },
    restart: () => Promise.reject(
      new CliError("download-changed", `${options.artifact.name} changed while it was read`, {
        exitCode: EXIT.failed
      })
    )
  };
}
function writeTo(stream, chunk, name) {
  return new Promise((resolve, reject) => {
    stream.write(chunk, (error) => {
      if (error) reject(diskError(error, name, false));
      else resolve();
    });
  });
}
async function streamArchive(options) {
  const { client, terminal, jobId, stream, name } = options;
  const response = await client.openDownload(jobId, void 0, { signal: client.signal });
  const progress = terminal.startProgress("downloading");
  const rate = new Rate();
  let bytes = 0;
  try {
    for await (const chunk of readBody(response)) {
      await writeTo(stream, chunk, name);
      bytes += chunk.length;
      const perSecond = rate.add(bytes, Date.now());
      const speed = perSecond === void 0 ? "" : `  ${formatBytes(Math.round(perSecond))}/s`;
      progress.update(null, `${formatBytes(bytes)}${speed}`);
    }
  } catch (error) {
    throwIfInterrupted(client.signal);
    throw error;
  } finally {
    terminal.clearProgress();
  }
}

// cli/output-place.ts
var import_node_fs3 = require("node:fs");
var import_promises4 = require("node:fs/promises");
var import_node_path3 = require("node:path");
async function resolveOutput(output, manifest) {
  const { artifacts } = manifest;
  for (const artifact of artifacts) checkName(artifact);
  if (output === "-") return { kind: "stdout" };
  const kind = await findFileKind(output);
  if (kind === "device") return { kind: "device", path: output };
  if (kind === "folder" || /[/\\]$/.test(output)) return { kind: "folder", path: output };
  if (artifacts.length === 1) return { kind: "file", path: output };
  if (kind === "file") {
    throw usageError(
      `${output} is a file, and this export has ${artifacts.length} of them`,
      "Give a folder with -o."
    );
  }
  if (output.endsWith(".zip")) {
    throw usageError(
      `this export has ${artifacts.length} files, which are checked one by one in a folder`,
      "Give a folder with -o; `-o - > export.zip` gives one ZIP, unchecked."
    );
  }
  return { kind: "folder", path: output };
}
var FOLDER_MANIFEST = "durable-export.manifest.json";
function manifestPathOf(place) {
  return place.kind === "file" ? `${place.path}.manifest.json` : (0, import_node_path3.join)(place.path, FOLDER_MANIFEST);
}
function artifactPathOf(place, artifact) {
  return place.kind === "file" ? place.path : (0, import_node_path3.join)(place.path, artifact.name);
}
async function makeFolder(path) {
  try {
    await (0, import_promises4.mkdir)(path, { recursive: true });
  } catch (error) {
    throw diskError(error, path);
  }
}
async function writeWhole(path, text2) {
  const temporary = `${path}.part`;
  try {
    await (0, import_promises4.writeFile)(temporary, text2, { flush: true });
    await (0, import_promises4.rename)(temporary, path);
  } catch (error) {
    await (0, import_promises4.rm)(temporary, { force: true });
    throw diskError(error, path);
  }
}
function openDevice(path) {
  const stream = (0, import_node_fs3.createWriteStream)(path, { flags: "w" });
  stream.on("error", () => void 0);
  return stream;
}
function checkName({ name }) {
  if (/[/\\\u0000-\u001f]/.test(name) || name === "" || name === "." || name === "..") {
    throw new CliError(
      "artifact-name",
      `the server gives a file the name ${JSON.stringify(name)}`,
      {
        exitCode: EXIT.failed
      }
    );
  }
}

// cli/download-artifacts.ts
async function downloadArtifacts(request) {
  const { client, jobId } = request;
  const { text: text2, manifest: whole } = await client.getManifest(jobId);
  const manifest = { ...whole, artifacts: choose(whole, request.only) };
  const place = await resolveOutput(request.output ?? defaultOutput(manifest), manifest);
  const isVerified = await writePlace(request, place, manifest.artifacts);
  const manifestPath = place.kind === "file" || place.kind === "folder" ? manifestPathOf(place) : null;
  if (manifestPath !== null) await writeWhole(manifestPath, text2);
  return resultOf({ jobId, manifest, place, manifestPath, isVerified });
}
function summaryOf(result) {
  const { path, bytes, rows, files, sha256, verified } = result;
  const what = path ?? "standard output";
  const parts = [
    formatBytes(bytes),
    `${formatCount(rows)} rows`,
    ...files.length === 1 ? [] : [`${files.length} files`],
    verified ? "verified" : "not verified",
    ...sha256 === null ? [] : [`sha256 ${sha256}`]
  ];
  return `${what}: ${parts.join(", ")}`;
}
function choose(manifest, only) {
  if (only === void 0) return manifest.artifacts;
  const found = manifest.artifacts.filter((artifact) => artifact.name === only);
  if (found.length > 0) return found;
  const names = manifest.artifacts.slice(0, 10).map((artifact) => artifact.name);
  throw new CliError("no-such-artifact", `the export has no artifact ${JSON.stringify(only)}`, {
    exitCode: EXIT.refused,
    hint: `It has: ${names.join(", ")}`
  });
}
function defaultOutput({ artifacts, source, format }) {
  const [first] = artifacts;
  return artifacts.length === 1 && first !== void 0 ? (0, import_node_path4.basename)(first.name) : `${(0, import_node_path4.basename)(source)}-${(0, import_node_path4.basename)(format)}/`;
}
async function writePlace({ client, terminal, host, jobId }, place, artifacts) {
  if (place.kind === "file" || place.kind === "folder") {
    if (place.kind === "folder") await makeFolder(place.path);
    for (const artifact2 of artifacts) {
      const path = artifactPathOf(place, artifact2);
      await downloadFile({ client, terminal, jobId, artifact: artifact2, path });
    }
    return true;
  }
  const stream = place.kind === "stdout" ? host.stdout : openDevice(place.path);
  const name = place.kind === "stdout" ? "standard output" : place.path;
  const [artifact] = artifacts;
  try {
    if (artifacts.length === 1 && artifact !== void 0) {
      await downloadStream({ client, terminal, jobId, artifact, stream, name });
      return true;
    }
    await streamArchive({ client, terminal, jobId, stream, name });
    terminal.warn("a ZIP of several files is not checked as a whole; `-o FOLDER` checks each");
    return false;
  } finally {
    if (place.kind === "device") stream.end();
  }
}
function resultOf(of) {
  const { jobId, manifest, place, manifestPath, isVerified } = of;
  const { artifacts, tables } = manifest;
  const path = place.kind === "stdout" ? null : place.path;
  return {
    jobId,
    source: manifest.source,
    format: manifest.format,
    compression: manifest.compression,
    consistency: manifest.consistency,
    snapshotAt: manifest.snapshotAt,
    path,
    manifestPath,
    verified: isVerified,
    sha256: artifacts.length === 1 ? artifacts[0]?.sha256 ?? null : null,
    bytes: artifacts.reduce((sum, artifact) => sum + artifact.bytes, 0),
    rows: tables.reduce((sum, table) => sum + table.rows, 0),
    files: artifacts.map((artifact) => ({
      name: artifact.name,
      path: place.kind === "file" || place.kind === "folder" ? artifactPathOf(place, artifact) : path,
      bytes: artifact.bytes,
      sha256: artifact.sha256
    })),
    tables: tables.map(({ name, rows, bytes }) => ({ name, rows, bytes })),
    warnings: manifest.warnings
  };
}

// cli/dump-job.ts
var import_node_crypto4 = require("node:crypto");

// cli/follow-job.ts
var POLL_MS_MIN = 250;
var POLL_MS_MAX = 3e3;
var POLL_GROWTH = 1.25;
async function followJob(client, terminal, options) {
  const { jobId, timeoutMs } = options;
  const deadlineMs = timeoutMs === void 0 ? Infinity : Date.now() + timeoutMs;
  const progress = terminal.startProgress("exporting");
  try {
    for (let pollMs = POLL_MS_MIN; ; pollMs = Math.min(pollMs * POLL_GROWTH, POLL_MS_MAX)) {
      const job = await client.getJob(jobId);
      if (hasEnded(job)) return job;
      progress.update(job.progress.percent, progressText(job));
      if (Date.now() >= deadlineMs) throw timedOut(jobId, timeoutMs ?? 0);
      await wait(Math.min(pollMs, Math.max(deadlineMs - Date.now(), 1)), client.signal);
    }
  } finally {
    terminal.clearProgress();
  }
}
function hasEnded(job) {
  return job.status !== "queued" && job.status !== "running";
}
function requireCompleted(job) {
  if (job.status === "completed") return;
  if (job.status === "failed" && job.error !== null) {
    const { code: code4, message, hint } = job.error;
    throw new CliError({ ofWorker: code4 }, `export ${job.jobId} failed: ${code4}: ${message}`, {
      exitCode: EXIT.failed,
      hint
    });
  }
  const code3 = job.status === "expired" ? "export-expired" : "export-cancelled";
  throw new CliError(code3, `export ${job.jobId} is ${job.status}`, {
    exitCode: EXIT.failed
  });
}
function progressText({ status, progress }) {
  if (status === "queued") return "queued";
  const { tablesDone, tablesTotal, rows, bytes, bytesPerSecond, etaSeconds } = progress;
  return [
    `${formatCount(rows)} rows`,
    formatBytes(bytes),
    ...bytesPerSecond === null ? [] : [`${formatBytes(Math.round(bytesPerSecond))}/s`],
    `${tablesDone} of ${tablesTotal} tables`,
    ...etaSeconds === null ? [] : [`${formatSeconds(etaSeconds)} left`]
  ].join("  ");
}
function timedOut(jobId, timeoutMs) {
  return new CliError(
    "timeout",
    `export ${jobId} did not end within ${formatSeconds(timeoutMs / 1e3)}`,
    { exitCode: EXIT.failed, hint: `See \`durable-export status ${jobId}\`.` }
  );
}

// cli/resume-record.ts
var import_node_crypto3 = require("node:crypto");
var import_promises5 = require("node:fs/promises");
var RESUME_HOURS_MAX = 6;
var RecordSchema = object({
  version: literal(1),
  url: string(),
  request: record(string(), unknown()),
  idempotencyKey: string(),
  startedAt: pipe(string(), isoTimestamp())
});
function resumePathOf(output) {
  return `${output.replace(/[/\\]+$/, "")}.part.json`;
}
async function findResumeRecord(path, { url, request, nowMs }) {
  let text2;
  try {
    text2 = await (0, import_promises5.readFile)(path, "utf8");
  } catch (error) {
    if (error.code === "ENOENT") return void 0;
    throw diskError(error, path);
  }
  const parsed = safeParse(RecordSchema, parseOrNull(text2));
  if (!parsed.success) return void 0;
  const record2 = parsed.output;
  const ageMs = nowMs - Date.parse(record2.startedAt);
  const isSame = record2.url === url && JSON.stringify(record2.request) === JSON.stringify(request);
  return isSame && ageMs < RESUME_HOURS_MAX * 36e5 ? record2 : void 0;
}
async function writeResumeRecord(path, { url, request, nowMs }) {
  const record2 = {
    version: 1,
    url,
    request,
    idempotencyKey: (0, import_node_crypto3.randomUUID)(),
    startedAt: new Date(nowMs).toISOString()
  };
  try {
    await (0, import_promises5.writeFile)(path, `${JSON.stringify(record2, null, 2)}
`);
  } catch (error) {
    throw diskError(error, path);
  }
  return record2;
}
async function removeResumeRecord(path) {
  await (0, import_promises5.rm)(path, { force: true });
}
function parseOrNull(text2) {
  try {
    return JSON.parse(text2);
  } catch {
    return null;
  }
}

// cli/dump-job.ts
var CANCEL_TIMEOUT_MS = 1e4;
async function dumpJob(dump) {
  const { client, terminal, host, output } = dump;
  const { job, forget } = await startOrResume(dump);
  let ended;
  try {
    if (client.signal.aborted) throw new Interrupted();
    ended = await followJob(client, terminal, { jobId: job.jobId, timeoutMs: dump.timeoutMs });
  } catch (error) {
    if (!(error instanceof CliError) || !isGivingUp(error)) throw keepsRunning(error, job.jobId);
    const cancelled = await cancelNow(client, job.jobId);
    if (cancelled === void 0) await forget();
    throw gaveUp(error, job.jobId, cancelled);
  }
  if (ended.status !== "completed") await forget();
  requireCompleted(ended);
  for (const warning of ended.warnings) terminal.warn(warning);
  const result = await downloadArtifacts({ client, terminal, host, jobId: ended.jobId, output });
  await forget();
  return result;
}
function defaultDumpOutput(request) {
  const source = String(request["source"] ?? "main").replaceAll(/[^\w.-]/g, "_");
  const format = String(request["format"] ?? "sql");
  if (format !== "sql") return `${source}-${format}/`;
  const suffixes = { gzip: ".gz", zstd: ".zst" };
  return `${source}.sql${suffixes[String(request["compression"])] ?? ""}`;
}
async function startOrResume(dump) {
  const { client, terminal, request, output } = dump;
  const signal = graceSignal(client.signal);
  const isStream = output === "-" || await findFileKind(output) === "device";
  if (isStream) {
    const job = await client.startJob(request, (0, import_node_crypto4.randomUUID)(), signal);
    terminal.note(`export ${job.jobId} started`);
    return { job, forget: async () => void 0 };
  }
  if (/[/\\]$/.test(output)) await makeFolder(output);
  const path = resumePathOf(output);
  const of = { url: client.url, request, nowMs: Date.now() };
  const forget = () => removeResumeRecord(path);
  const known = dump.isFresh ? void 0 : await findResumeRecord(path, of);
  if (known !== void 0) {
    const job = await resume(client, request, known.idempotencyKey, signal);
    if (job !== void 0 && (!hasEnded(job) || job.status === "completed")) {
      terminal.note(`going on with export ${job.jobId} of ${job.createdAt} (--fresh starts anew)`);
      return { job, forget };
    }
  }
  const record2 = await writeResumeRecord(path, of);
  try {
    const job = await client.startJob(request, record2.idempotencyKey, signal);
    terminal.note(`export ${job.jobId} started`);
    return { job, forget };
  } catch (error) {
    if (error instanceof CliError && !error.is("unreachable") && !error.is("interrupted"))
      await forget();
    throw error;
  }
}
async function resume(client, request, idempotencyKey, signal) {
  try {
    return await client.startJob(request, idempotencyKey, signal);
  } catch (error) {
    const code3 = "idempotency-key-reused";
    if (error instanceof CliError && error.code === code3) return void 0;
    throw error;
  }
}
function graceSignal(signal) {
  const grace = new AbortController();
  const abortSoon = () => {
    setTimeout(() => grace.abort(), CANCEL_TIMEOUT_MS).unref();
  };
  if (signal.aborted) abortSoon();
  else signal.addEventListener("abort", abortSoon, { once: true });
  return grace.signal;
}
function isGivingUp(error) {
  return error instanceof Interrupted || error.is("timeout");
}
async function cancelNow(client, jobId) {
  try {
    await client.removeJob(jobId, {
      signal: AbortSignal.timeout(CANCEL_TIMEOUT_MS),
      retry: { ...client.retry, retries: Math.min(client.retry.retries, 2) }
    });
    return void 0;
  } catch (error) {
    if (error instanceof Interrupted) return "no answer in time";
    return error instanceof Error ? error.message : String(error);
  }
}
function gaveUp(error, jobId, why) {
  const outcome = why === void 0 ? `export ${jobId} was cancelled` : `export ${jobId} may still run, since cancelling it failed (${why})`;
  const hint = why === void 0 ? void 0 : `End it with \`durable-export cancel ${jobId}\`.`;
  if (error instanceof Interrupted) return new Interrupted(`interrupted: ${outcome}`, hint);
  return new CliError("timeout", `the time is up: ${outcome}`, { exitCode: EXIT.failed, hint });
}
function keepsRunning(error, jobId) {
  if (!(error instanceof CliError) || !error.is("unreachable")) return error;
  return new CliError("unreachable", `${error.message}; export ${jobId} goes on without us`, {
    exitCode: error.exitCode,
    hint: "Run the same command again: it finds the same export.",
    cause: error
  });
}

// cli/secrets.ts
var SECRET_LENGTH_MIN = 4;
var Secrets = class {
  #values = /* @__PURE__ */ new Set();
  add(value) {
    if (value !== void 0 && value.trim().length >= SECRET_LENGTH_MIN) {
      this.#values.add(value.trim());
    }
  }
  /** `text` with every known secret, plain or as in a URL, replaced by stars. */
  redact(text2) {
    let clean = text2;
    for (const value of this.#values) {
      clean = clean.replaceAll(value, "***").replaceAll(encodeURIComponent(value), "***");
    }
    return clean;
  }
};

// cli/terminal.ts
var Terminal = class {
  #host;
  #secrets;
  mode;
  #progress = NO_PROGRESS;
  constructor(host, secrets, mode) {
    this.#host = host;
    this.#secrets = secrets;
    this.mode = mode;
  }
  /** What is happening: a line for people. */
  note(line) {
    if (this.mode === "human") this.#writeError(line);
  }
  /** Something a person should know although the work goes on. */
  warn(line) {
    if (this.mode !== "quiet") this.#writeError(`warning: ${oneLine(line)}`);
  }
  /** The answer that was asked for, for people. */
  print(text2) {
    if (this.mode !== "json") this.#host.stdout.write(`${this.#secrets.redact(text2)}
`);
  }
  /** The answer that was asked for, for scripts. */
  printJson(value) {
    if (this.mode !== "json") return;
    this.#host.stdout.write(`${this.#secrets.redact(JSON.stringify(value, null, 2))}
`);
  }
  /** One line on standard error, and with `--json` the same as a document on standard output. */
  fail(error) {
    const { code: code3, hint, exitCode } = error;
    const message = oneLine(error.message);
    this.#writeError(`durable-export: ${message}${hint === void 0 ? "" : `. ${oneLine(hint)}`}`);
    this.printJson({ error: { code: code3, message, hint: hint ?? null, exitCode } });
  }
  /** Shows progress until it is cleared or another begins. */
  startProgress(label) {
    this.clearProgress();
    if (this.mode === "human") {
      this.#progress = startProgress(label, this.#host.stderr, (line) => this.#writeError(line));
    }
    return this.#progress;
  }
  clearProgress() {
    this.#progress.clear();
    this.#progress = NO_PROGRESS;
  }
  #writeError(line) {
    const isBarShown = this.#host.stderr.isTTY === true && this.#progress !== NO_PROGRESS;
    this.#host.stderr.write(`${isBarShown ? "\n" : ""}${this.#secrets.redact(line)}
`);
  }
};

// cli/restore-dump.ts
var import_node_fs4 = require("node:fs");
var import_promises6 = require("node:fs/promises");
var import_node_os2 = require("node:os");
var import_node_path5 = require("node:path");
var import_promises7 = require("node:timers/promises");
var import_node_zlib = require("node:zlib");

// cli/sql-statements.ts
var MOVES = {
  start: {
    semi: "start",
    space: "start",
    explain: "explain",
    create: "create",
    otherwise: "normal"
  },
  normal: { semi: "start", otherwise: "normal" },
  explain: {
    semi: "start",
    space: "explain",
    other: "explain",
    create: "create",
    otherwise: "normal"
  },
  create: {
    semi: "start",
    space: "create",
    temp: "create",
    trigger: "trigger",
    otherwise: "normal"
  },
  trigger: { semi: "semi", otherwise: "trigger" },
  semi: { semi: "semi", space: "semi", end: "end", otherwise: "trigger" },
  end: { semi: "start", space: "end", otherwise: "trigger" }
};
var KEYWORDS = /* @__PURE__ */ new Map([
  ["explain", "explain"],
  ["create", "create"],
  ["temp", "temp"],
  ["temporary", "temp"],
  ["trigger", "trigger"],
  ["end", "end"]
]);
var code = (char) => char.charCodeAt(0);
var CLOSING = /* @__PURE__ */ new Map([
  [code("'"), code("'")],
  [code('"'), code('"')],
  [code("`"), code("`")],
  [code("["), code("]")]
]);
async function* statementBatches(chunks, batchBytes) {
  let pending = Buffer.alloc(0);
  let at = 0;
  let state = "start";
  let endOfStatement = 0;
  const scan = (isLast) => {
    while (at < pending.length) {
      const { token, end } = nextToken(pending, at, isLast);
      if (end === void 0) return;
      state = MOVES[state][token] ?? MOVES[state].otherwise;
      at = end;
      if (token === "semi" && state === "start") endOfStatement = end;
    }
  };
  const take = () => {
    const batch = pending.subarray(0, endOfStatement);
    pending = pending.subarray(endOfStatement);
    at -= endOfStatement;
    endOfStatement = 0;
    return batch;
  };
  for await (const chunk of chunks) {
    pending = Buffer.concat([pending, chunk]);
    scan(false);
    if (endOfStatement >= batchBytes) yield take();
  }
  scan(true);
  if (state === "start" && at === pending.length) endOfStatement = at;
  if (endOfStatement > 0) yield take();
  if (pending.length > 0) {
    throw new Error(`the SQL text ends within a statement: ${pending.toString("utf8", 0, 200)}`);
  }
}
function nextToken(text2, start, isLast) {
  const byte = text2[start] ?? 0;
  const closing = CLOSING.get(byte);
  if (closing !== void 0) {
    return { token: "other", end: after(text2.indexOf(closing, start + 1), 1) };
  }
  if (byte === code(";")) return { token: "semi", end: start + 1 };
  if (isSpace(byte)) return { token: "space", end: start + 1 };
  if (byte === code("-") || byte === code("/")) {
    if (start + 1 === text2.length && !isLast) return { token: "other", end: void 0 };
    if (byte === code("-") && text2[start + 1] === byte) {
      const end2 = after(text2.indexOf("\n", start), 1) ?? (isLast ? text2.length : void 0);
      return { token: "space", end: end2 };
    }
    if (byte === code("/") && text2[start + 1] === code("*")) {
      return { token: "space", end: after(text2.indexOf("*/", start + 2), 2) };
    }
    return { token: "other", end: start + 1 };
  }
  if (!isWord(byte)) return { token: "other", end: start + 1 };
  let end = start;
  while (end < text2.length && isWord(text2[end] ?? 0)) end += 1;
  if (end === text2.length && !isLast) return { token: "other", end: void 0 };
  const word = end - start > 9 ? "" : text2.toString("latin1", start, end).toLowerCase();
  return { token: KEYWORDS.get(word) ?? "other", end };
}
function after(index, length) {
  return index < 0 ? void 0 : index + length;
}
function isSpace(byte) {
  return byte === 32 || byte >= 9 && byte <= 13;
}
function isWord(byte) {
  return byte >= 48 && byte <= 57 || byte >= 65 && byte <= 90 || byte >= 97 && byte <= 122 || byte === 95 || byte === 36 || byte >= 128;
}

// cli/zstd-frames.ts
var zlib = __toESM(require("node:zlib"), 1);
var ZSTD_MAGIC = 4247762216;
var SKIPPABLE_MAGIC = 25481893;
var RLE_BLOCK = 1;
async function* decompressZstd(chunks) {
  if (typeof zlib.zstdDecompressSync !== "function") {
    throw usageError(
      `Node ${process.version} cannot read Zstandard`,
      "Use Node 22.15 or newer, or unpack the file with zstd first."
    );
  }
  let pending = Buffer.alloc(0);
  for await (const chunk of chunks) {
    pending = Buffer.concat([pending, chunk]);
    for (; ; ) {
      const length = findFrameLength(pending);
      if (length === void 0) break;
      const frame = pending.subarray(0, length);
      pending = pending.subarray(length);
      if (frame.readUInt32LE(0) === ZSTD_MAGIC) yield zlib.zstdDecompressSync(frame);
    }
  }
  if (pending.length > 0) throw new Error("the Zstandard data ends within a frame");
}
function findFrameLength(bytes) {
  if (bytes.length < 8) return void 0;
  const magic = bytes.readUInt32LE(0);
  if (magic >>> 4 === SKIPPABLE_MAGIC) return ifWithin(bytes, 8 + bytes.readUInt32LE(4));
  if (magic !== ZSTD_MAGIC) throw new Error("these bytes are no Zstandard frame");
  const descriptor = bytes[4] ?? 0;
  const isSingleSegment = (descriptor & 32) !== 0;
  const contentSizeFlag = descriptor >>> 6;
  const contentSizeBytes = contentSizeFlag === 0 ? isSingleSegment ? 1 : 0 : 1 << contentSizeFlag;
  const dictionaryIdBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  let at = 5 + (isSingleSegment ? 0 : 1) + dictionaryIdBytes + contentSizeBytes;
  for (; ; ) {
    if (at + 3 > bytes.length) return void 0;
    const header = bytes.readUIntLE(at, 3);
    at += 3 + ((header >>> 1 & 3) === RLE_BLOCK ? 1 : header >>> 3);
    if ((header & 1) === 1) break;
  }
  const checksumBytes = (descriptor & 4) === 0 ? 0 : 4;
  return ifWithin(bytes, at + checksumBytes);
}
function ifWithin(bytes, length) {
  return length <= bytes.length ? length : void 0;
}

// cli/restore-dump.ts
var READ_BYTES2 = 1024 * 1024;
async function restoreDump(path, promised, { signal, onBytes }) {
  const { DatabaseSync } = await importSqlite();
  const folder = await (0, import_promises6.mkdtemp)((0, import_node_path5.join)((0, import_node_os2.tmpdir)(), "durable-export-")).catch((error) => {
    throw diskError(error, (0, import_node_os2.tmpdir)());
  });
  const db = new DatabaseSync((0, import_node_path5.join)(folder, "scratch.db"), {
    enableForeignKeyConstraints: false,
    enableDoubleQuotedStringLiterals: true
  });
  try {
    db.exec("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN");
    await load(db, path, { signal, onBytes });
    db.exec("COMMIT");
    const tables = promised.map(({ name, rows }) => ({
      name,
      expectedRows: rows,
      rows: countRows(db, name)
    }));
    requireSound(db, path);
    const foreignKeyViolations = db.prepare("PRAGMA foreign_key_check").all().length;
    return { tables, foreignKeyViolations };
  } finally {
    db.close();
    await (0, import_promises6.rm)(folder, { recursive: true, force: true });
  }
}
function requireRowCounts(tables) {
  const wrong = tables.filter((table) => table.rows !== table.expectedRows);
  const [first] = wrong;
  if (first === void 0) return;
  const found = first.rows === null ? "is missing" : `has ${first.rows} rows`;
  const more = wrong.length === 1 ? "" : ` (and ${wrong.length - 1} more tables differ)`;
  throw new CliError(
    "restore-mismatch",
    `table ${JSON.stringify(first.name)} ${found} after the restore, and the manifest says ${first.expectedRows}${more}`,
    { exitCode: EXIT.failed }
  );
}
async function importSqlite() {
  try {
    return await import("node:sqlite");
  } catch {
    throw usageError(
      `--restore needs node:sqlite, and Node ${process.version} has none`,
      "Use Node 22.13 or newer, or load the dump with the sqlite3 shell."
    );
  }
}
async function load(db, path, { signal, onBytes }) {
  const compression = await compressionOf(path);
  let bytes = 0;
  const file = (0, import_node_fs4.createReadStream)(path, { highWaterMark: READ_BYTES2 });
  file.on("data", (chunk) => {
    bytes += chunk.length;
    onBytes(bytes);
  });
  const text2 = decompress(file, compression);
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  try {
    for await (const batch of statementBatches(text2, READ_BYTES2)) {
      throwIfInterrupted(signal);
      db.exec(decoder.decode(batch));
      await (0, import_promises7.setImmediate)();
    }
  } catch (error) {
    if (error instanceof CliError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new CliError("restore-failed", `${path} cannot be restored: ${message}`, {
      exitCode: EXIT.failed,
      cause: error
    });
  } finally {
    file.destroy();
  }
}
function decompress(file, compression) {
  if (compression === "zstd") return decompressZstd(file);
  if (compression === "none") return file;
  const gunzip = (0, import_node_zlib.createGunzip)();
  file.on("error", (error) => gunzip.destroy(error));
  return file.pipe(gunzip);
}
async function compressionOf(path) {
  const head = Buffer.alloc(4);
  try {
    const file = await (0, import_promises6.open)(path, "r");
    try {
      await file.read(head, 0, 4, 0);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw diskError(error, path);
  }
  if (head[0] === 31 && head[1] === 139) return "gzip";
  return head.readUInt32LE(0) === ZSTD_MAGIC ? "zstd" : "none";
}
function countRows(db, table) {
  const quoted = `"${table.replaceAll('"', '""')}"`;
  const known = db.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ? COLLATE NOCASE").get(table);
  if (known === void 0) return null;
  return Number(db.prepare(`SELECT count(*) AS n FROM ${quoted}`).get()?.["n"]);
}
function requireSound(db, path) {
  const verdict = db.prepare("PRAGMA integrity_check(1)").get()?.["integrity_check"];
  if (verdict === "ok") return;
  throw new CliError(
    "restore-failed",
    `${path} is not sound after the restore: ${String(verdict)}`,
    {
      exitCode: EXIT.failed
    }
  );
}

// cli/verify-restore.ts
function requireRestorable({ format, files }) {
  if (format !== "sql") throw usageError(`a restore loads SQL dumps, and this is ${format}`);
  if (files.length !== 1)
    throw usageError(`a restore loads one dump, and there are ${files.length}`);
}
async function verifyRestore({ terminal, host }, dump) {
  requireRestorable(dump);
  const [file] = dump.files;
  if (file === void 0 || file.path === null) throw usageError("a restore needs a file");
  const progress = terminal.startProgress("restoring");
  try {
    const { tables, foreignKeyViolations } = await restoreDump(file.path, dump.tables, {
      signal: host.interrupt,
      onBytes: showBytes(progress, file.bytes)
    });
    terminal.clearProgress();
    requireRowCounts(tables);
    const rows = tables.map((table) => [table.name, formatCount(table.expectedRows)]);
    terminal.note(formatTable(["TABLE", "ROWS"], rows));
    terminal.note(`restored: ${tables.length} tables have the manifest's rows`);
    if (foreignKeyViolations > 0) {
      terminal.warn(
        `${formatCount(foreignKeyViolations)} rows refer to rows that are not in the dump`
      );
    }
    return tables;
  } finally {
    terminal.clearProgress();
  }
}

// cli/context.ts
function parseCount(text2, option, min, max) {
  const value = Number(text2);
  if (/^\d+$/.test(text2) && value >= min && value <= max) return value;
  throw usageError(`${option} is a whole number from ${min} to ${max}`);
}

// cli/export-options.ts
var RETENTION_HOURS_MAX = 1e6;
function requestBodyOf(options) {
  const tables = {
    ...options.table === void 0 ? {} : { include: options.table },
    ...options.exclude === void 0 ? {} : { exclude: options.exclude }
  };
  const fields = {
    source: options.source,
    format: options.format,
    compression: options.compression,
    consistency: options.consistency,
    content: options.content,
    tables: Object.keys(tables).length === 0 ? void 0 : tables,
    callbackUrl: options.callbackUrl,
    retentionHours: options.retentionHours === void 0 ? void 0 : parseCount(options.retentionHours, "--retention-hours", 1, RETENTION_HOURS_MAX)
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== void 0));
}

// cli/duration.ts
var UNIT_MS = { s: 1e3, m: 6e4, h: 36e5, d: 864e5 };
function parseDurationMs(text2) {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)\s*([smhd])?$/.exec(text2.trim());
  const value = Number(match?.[1]);
  if (match === null || value <= 0) {
    throw usageError(`${JSON.stringify(text2)} is no duration`, "Write 90s, 30m, 2h or 1d.");
  }
  return value * (UNIT_MS[match[2] ?? "m"] ?? 0);
}

// action/inputs.ts
function readInputs(getInput2) {
  const options = {};
  for (const name of ["source", "format", "compression", "consistency", "content"]) {
    const value = getInput2(name);
    if (value !== "") options[name] = value;
  }
  const retention = getInput2("retention");
  if (retention !== "") options.retentionHours = String(parseCount(retention, "retention", 1, 1e6));
  const include = linesOf(getInput2("tables"));
  if (include.length > 0) options.table = include;
  const exclude = linesOf(getInput2("exclude"));
  if (exclude.length > 0) options.exclude = exclude;
  const request = requestBodyOf(options);
  return {
    url: required(getInput2, "url"),
    token: required(getInput2, "token"),
    request,
    output: getInput2("path") || defaultDumpOutput(request),
    timeoutMs: parseDurationMs(getInput2("timeout") || "60m"),
    isRestored: parseBoolean(getInput2("restore") || "false")
  };
}
function required(getInput2, name) {
  const value = getInput2(name);
  if (value !== "") return value;
  throw usageError(
    `the input ${name} is empty`,
    "A secret that does not exist is empty too; pull requests from forks get none."
  );
}
function linesOf(text2) {
  return text2.split(/\r?\n/).map((line) => line.trim()).filter((line) => line !== "");
}
function parseBoolean(text2) {
  if (text2 === "true") return true;
  if (text2 === "false") return false;
  throw usageError("the input restore is true or false");
}

// action/summary.ts
var TABLES_SHOWN_MAX = 300;
function summaryMarkdown(result, isRestored) {
  const facts = [
    ["Job", code2(result.jobId)],
    ["Source", code2(result.source)],
    ["Format", code2(`${result.format}, compression ${result.compression}`)],
    ["Consistency", code2(`${result.consistency}, as of ${result.snapshotAt}`)],
    ["File", code2(result.path ?? "")],
    ["Size", `${formatBytes(result.bytes)} (${formatCount(result.bytes)} bytes)`],
    ["Rows", formatCount(result.rows)],
    ["Checked", checked(result, isRestored)]
  ];
  const shown = result.tables.slice(0, TABLES_SHOWN_MAX);
  const rest = result.tables.length - shown.length;
  return [
    "## Durable Export",
    "",
    "| | |",
    "| --- | --- |",
    ...facts.map(([name, value]) => `| ${name} | ${value} |`),
    "",
    ...result.warnings.map((warning) => `> :warning: ${text(warning)}
`),
    "| Table | Rows | Bytes of text |",
    "| --- | ---: | ---: |",
    ...shown.map(
      ({ name, rows, bytes }) => `| ${code2(name)} | ${formatCount(rows)} | ${formatCount(bytes)} |`
    ),
    ...rest > 0 ? ["", `\u2026 and ${formatCount(rest)} more tables: the manifest has them all.`] : [],
    "",
    ""
  ].join("\n");
}
function failureMarkdown(message, hint) {
  return `## Durable Export

:x: ${text(message)}

${hint === void 0 ? "" : `${text(hint)}

`}`;
}
function checked({ verified, sha256 }, isRestored) {
  const sum = sha256 === null ? "SHA-256 of every file" : `SHA-256 ${code2(sha256)}`;
  const restored = isRestored ? "; restored, with every table's rows counted" : "";
  return `${verified ? sum : "no"}${restored}`;
}
function code2(value) {
  return `<code>${text(value)}</code>`;
}
function text(value) {
  return oneLine(value).replaceAll(/[&<>|`*_[\]\\:@#~]/g, (char) => `&#${char.charCodeAt(0)};`);
}

// action/workflow-commands.ts
var import_node_crypto5 = require("node:crypto");
var import_node_fs5 = require("node:fs");
var import_node_os3 = require("node:os");
function getInput(env, name) {
  return (env[`INPUT_${name.replaceAll(" ", "_").toUpperCase()}`] ?? "").trim();
}
function setOutput(env, name, value) {
  const path = env["GITHUB_OUTPUT"];
  if (path === void 0 || path === "") return;
  const delimiter = `delimiter-${(0, import_node_crypto5.randomUUID)()}`;
  (0, import_node_fs5.appendFileSync)(path, `${name}<<${delimiter}${import_node_os3.EOL}${value}${import_node_os3.EOL}${delimiter}${import_node_os3.EOL}`);
}
function appendSummary(env, markdown) {
  const path = env["GITHUB_STEP_SUMMARY"];
  if (path !== void 0 && path !== "") (0, import_node_fs5.appendFileSync)(path, markdown);
}
function maskLine(secret) {
  return `::add-mask::${escape(secret)}
`;
}
function annotationLine(kind, message) {
  return `::${kind} title=Durable Export::${escape(message)}
`;
}
function escape(text2) {
  return text2.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

// action/run-action.ts
var RETRIES = 8;
async function runAction(host) {
  const secrets = new Secrets();
  const terminal = new Terminal(host, secrets, "human");
  try {
    const token = getInput(host.env, "token");
    secrets.add(token);
    if (token !== "") host.stdout.write(maskLine(token));
    const inputs = readInputs((name) => getInput(host.env, name));
    const result = await backUp(inputs, host, terminal);
    publish(host.env, result, inputs.isRestored);
    return EXIT.done;
  } catch (error) {
    const message = secrets.redact(error instanceof Error ? oneLine(error.message) : String(error));
    const hint = error instanceof CliError ? error.hint : void 0;
    host.stdout.write(
      annotationLine("error", hint === void 0 ? message : `${message}. ${hint}`)
    );
    appendSummary(host.env, failureMarkdown(message, hint));
    return error instanceof CliError ? error.exitCode : EXIT.failed;
  }
}
async function backUp(inputs, host, terminal) {
  const config = resolveConfig({ url: inputs.url, token: inputs.token, env: {} });
  for (const warning of config.warnings) terminal.warn(warning);
  const client = new ApiClient({
    ...config,
    retry: { retries: RETRIES, baseMs: RETRY_BASE_MS },
    signal: host.interrupt,
    onRetry: (line) => terminal.note(line)
  });
  const result = await dumpJob({
    client,
    terminal,
    host,
    request: inputs.request,
    output: inputs.output,
    timeoutMs: inputs.timeoutMs,
    isFresh: false
  });
  terminal.note(summaryOf(result));
  if (inputs.isRestored) await verifyRestore({ terminal, host }, result);
  return result;
}
function publish(env, result, isRestored) {
  setOutput(env, "job-id", result.jobId);
  setOutput(env, "file", result.path ?? "");
  setOutput(env, "manifest", result.manifestPath ?? "");
  setOutput(env, "sha256", result.sha256 ?? "");
  setOutput(env, "bytes", String(result.bytes));
  setOutput(env, "rows", String(result.rows));
  appendSummary(env, summaryMarkdown(result, isRestored));
}

// action/main.ts
startProcess(runAction);
