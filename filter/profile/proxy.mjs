// A proxy made of JavaScript: just enough of proxy-wasm ABI 0.2.1 to drive the filter module without Envoy.
//
// What it does is cheap and the same for every build of the module, so that what is left in a profile is the module.
// Source: proxy-wasm ABI 0.2.1; WASI preview 1 for clocks and random numbers.

const OK = 0, NOT_FOUND = 1, EMPTY = 7, CAS_MISMATCH = 8;
const RESPONSE_STREAM = 1;
const MAP = { requestHeaders: 0, responseHeaders: 2 };
const BUFFER = { requestBody: 0, responseBody: 1, pluginConfiguration: 7 };
const encoder = new TextEncoder(), decoder = new TextDecoder();

/** A VM with one module in it, and the one stream that is at work. */
export class Proxy {
  #wasm;
  #memory;
  #shared = new Map();
  #state = new Map();
  #configuration = new Uint8Array();
  #metrics = 0;
  #calls = 0;
  /** Header lists and bodies of the stream at work, by the ABI's numbers. */
  maps = new Map();
  buffers = new Map();
  /** How often each function of the proxy was called. */
  counts = new Map();
  /** What the filter answered in a provider's place. */
  localAnswer = null;
  /** The answer was broken off. */
  isReset = false;
  /** The filter keeps a buffer of the answer open, as Envoy does from its first pause with bytes at hand on. */
  #keepsBuffer = false;
  /** What it has let go of that within a callback. */
  #letGo = [];
  #wantsWakeUp = false;

  static async of(bytes) {
    const proxy = new Proxy();
    const { instance } = await WebAssembly.instantiate(bytes, proxy.#imports());
    proxy.#wasm = instance.exports;
    proxy.#memory = instance.exports.memory;
    proxy.#wasm._initialize();
    return proxy;
  }

  /** Creates a plugin with `configuration`, an object. */
  configure(id, configuration) {
    this.#configuration = encoder.encode(JSON.stringify(configuration));
    this.#wasm.proxy_on_context_create(id, 0);
    if (!this.#wasm.proxy_on_configure(id, this.#configuration.length)) throw new Error(`plugin ${id} refused its configuration`);
    this.#configuration = new Uint8Array();
  }

  /** Calls `proxy_on_<callback>`. */
  on(callback, ...args) {
    return this.#wasm[`proxy_on_${callback}`](...args);
  }

  /** Forgets the last stream. */
  beginStream(requestHeaders, requestBody) {
    this.#state.clear();
    this.localAnswer = null;
    this.isReset = false;
    this.#keepsBuffer = false;
    this.#letGo = [];
    this.maps.set(MAP.requestHeaders, requestHeaders);
    this.buffers.set(BUFFER.requestBody, requestBody);
  }

  setResponseHeaders(headers) {
    this.maps.set(MAP.responseHeaders, headers);
  }

  /** A piece of the answer, behind what the filter keeps back; gives what goes on to the client. */
  deliver(stream, root, piece, end) {
    this.responseBody = this.#keepsBuffer ? joined([this.responseBody, piece]) : piece;
    const pauses = this.on("response_body", stream, this.responseBody.length, end) !== 0;
    this.#keepsBuffer = pauses;
    if (!pauses) return joined([...this.#letGo.splice(0), this.responseBody]);
    if (this.#wantsWakeUp) {
      this.#wantsWakeUp = false;
      this.on("queue_ready", root, 0);
    }
    return joined(this.#letGo.splice(0));
  }

  /** A tick of the worker; gives what goes on to the client because of it. */
  tick(root) {
    this.on("tick", root);
    return joined(this.#letGo.splice(0));
  }

  get requestBody() {
    return this.buffers.get(BUFFER.requestBody);
  }

  get responseBody() {
    return this.buffers.get(BUFFER.responseBody);
  }

  set responseBody(bytes) {
    this.buffers.set(BUFFER.responseBody, bytes);
  }

  #bytes(at, size) {
    return new Uint8Array(this.#memory.buffer, at, size);
  }

  #copy(at, size) {
    return this.#bytes(at, size).slice();
  }

  #text(at, size) {
    return decoder.decode(this.#bytes(at, size));
  }

  #word(at, value) {
    new DataView(this.#memory.buffer).setUint32(at, value, true);
  }

  #give(bytes, data, size) {
    const room = this.#wasm.proxy_on_memory_allocate(bytes.length);
    this.#bytes(room, bytes.length).set(bytes);
    this.#word(data, room);
    this.#word(size, bytes.length);
    return OK;
  }

  #imports() {
    const env = {
      proxy_log: (level, at, size) => {
        if (level >= 3) console.error(`module: ${this.#text(at, size)}`);
        return OK;
      },
      proxy_get_current_time_nanoseconds: (at) => {
        new DataView(this.#memory.buffer).setBigUint64(at, BigInt(Date.now()) * 1_000_000n, true);
        return OK;
      },
      proxy_set_tick_period_milliseconds: () => OK,
      proxy_set_effective_context: () => OK,
      proxy_continue_stream: (stream) => {
        if (stream === RESPONSE_STREAM && this.#keepsBuffer) {
          this.#letGo.push(this.responseBody);
          this.responseBody = new Uint8Array();
        }
        return OK;
      },
      proxy_close_stream: () => {
        this.isReset = true;
        return OK;
      },
      proxy_enqueue_shared_queue: () => {
        this.#wantsWakeUp = true;
        return OK;
      },
      proxy_dequeue_shared_queue: () => EMPTY,
      proxy_define_metric: (_kind, _name, _size, metric) => {
        this.#word(metric, ++this.#metrics);
        return OK;
      },
      proxy_increment_metric: () => OK,
      proxy_record_metric: () => OK,
      proxy_get_property: (path, pathSize, data, size) => {
        const value = this.#state.get(this.#text(path, pathSize));
        return value === undefined ? NOT_FOUND : this.#give(value, data, size);
      },
      proxy_set_property: (path, pathSize, data, size) => {
        this.#state.set(this.#text(path, pathSize), this.#copy(data, size));
        return OK;
      },
      proxy_get_header_map_pairs: (map, data, size) => {
        const bytes = this.maps.get(map);
        return bytes === undefined ? NOT_FOUND : this.#give(bytes, data, size);
      },
      proxy_set_header_map_pairs: (map, data, size) => {
        this.maps.set(map, this.#copy(data, size));
        return OK;
      },
      proxy_get_header_map_value: () => NOT_FOUND,
      proxy_replace_header_map_value: () => OK,
      proxy_get_buffer_bytes: (buffer, start, length, data, size) => {
        const bytes = buffer === BUFFER.pluginConfiguration ? this.#configuration : this.buffers.get(buffer);
        if (bytes === undefined) return NOT_FOUND;
        return this.#give(bytes.subarray(start, start + (length >>> 0)), data, size);
      },
      proxy_set_buffer_bytes: (buffer, start, length, data, size) => {
        const old = this.buffers.get(buffer);
        const tail = old.subarray(Math.min(old.length, start + (length >>> 0)));
        const bytes = new Uint8Array(start + size + tail.length);
        bytes.set(old.subarray(0, start));
        bytes.set(this.#bytes(data, size), start);
        bytes.set(tail, start + size);
        this.buffers.set(buffer, bytes);
        return OK;
      },
      proxy_send_local_response: (status, _details, _detailsSize, body, bodySize) => {
        this.localAnswer = { status, body: this.#text(body, bodySize) };
        return OK;
      },
      proxy_get_shared_data: (key, keySize, data, size, cas) => {
        const entry = this.#shared.get(this.#text(key, keySize));
        if (entry === undefined) return NOT_FOUND;
        this.#word(cas, entry.cas);
        return this.#give(entry.value, data, size);
      },
      proxy_set_shared_data: (key, keySize, data, size, cas) => {
        const name = this.#text(key, keySize);
        const before = this.#shared.get(name)?.cas ?? 0;
        if (cas !== 0 && cas !== before) return CAS_MISMATCH;
        this.#shared.set(name, { value: this.#copy(data, size), cas: before + 1 });
        return OK;
      },
      proxy_http_call: (...args) => {
        this.#word(args.at(-1), ++this.#calls);
        return OK;
      },
    };
    for (const [name, call] of Object.entries(env)) {
      env[name] = (...args) => {
        this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
        return call(...args);
      };
    }
    const wasi = {
      clock_time_get: (_clock, _precision, at) => {
        this.counts.set("clock_time_get", (this.counts.get("clock_time_get") ?? 0) + 1);
        new DataView(this.#memory.buffer).setBigUint64(at, process.hrtime.bigint(), true);
        return OK;
      },
      random_get: (at, size) => {
        crypto.getRandomValues(this.#bytes(at, size));
        return OK;
      },
      environ_sizes_get: (count, size) => {
        this.#word(count, 0);
        this.#word(size, 0);
        return OK;
      },
    };
    // What else the module imports is never called on the way of a request.
    const orOk = (known) => new globalThis.Proxy(known, { get: (of, name) => of[name] ?? (() => OK) });
    return { env: orOk(env), wasi_snapshot_preview1: orOk(wasi) };
  }
}

const joined = (pieces) => (pieces.length === 1 ? pieces[0] : new Uint8Array(Buffer.concat(pieces)));

/** The pairs of a header list as the ABI serializes it. */
export function pairs(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  let at = 4 + view.getUint32(0, true) * 8;
  return Array.from({ length: view.getUint32(0, true) }, (_, index) =>
    [0, 4].map((field) => {
      const size = view.getUint32(4 + index * 8 + field, true);
      const text = decoder.decode(bytes.subarray(at, at + size));
      at += size + 1;
      return text;
    }));
}

/** A header list as the ABI serializes it. */
export function headers(list) {
  const parts = list.map(([name, value]) => [encoder.encode(name), encoder.encode(value)]);
  const text = parts.reduce((sum, [name, value]) => sum + name.length + value.length + 2, 0);
  const bytes = new Uint8Array(4 + parts.length * 8 + text);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, parts.length, true);
  let at = 4 + parts.length * 8;
  parts.forEach(([name, value], index) => {
    view.setUint32(4 + index * 8, name.length, true);
    view.setUint32(8 + index * 8, value.length, true);
    bytes.set(name, at);
    bytes.set(value, at + name.length + 1);
    at += name.length + value.length + 2;
  });
  return bytes;
}
