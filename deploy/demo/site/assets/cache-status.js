// Reads a Cache-Status field (RFC 9211) as far as the page needs it. The last member is the cache that is nearest to us.

function members(field) {
  const list = [];
  let current = '';
  let quoted = false;
  for (const char of field) {
    if (char === '"') quoted = !quoted;
    if (char === ',' && !quoted) {
      list.push(current.trim());
      current = '';
    } else {
      current += char;
    }
  }
  list.push(current.trim());
  return list.filter((member) => member !== '');
}

function parameters(member) {
  const found = {};
  for (const part of member.split(';').slice(1)) {
    const [name, value = true] = part.trim().split('=');
    found[name] = value;
  }
  return found;
}

// What to show: a kind for colours, a label for people.
export function describe(field) {
  if (field === null) return { kind: 'none', label: 'direct' };
  const nearest = parameters(members(field).at(-1) ?? '');
  if (nearest.hit !== undefined) {
    const ttl = Number(nearest.ttl);
    if (ttl < 0) return { kind: 'stale', label: `stale · ${-ttl} s over` };
    return { kind: 'hit', label: Number.isNaN(ttl) ? 'hit' : `hit · ${ttl} s left` };
  }
  if (nearest['fwd-status'] === '304') return { kind: 'revalidated', label: 'revalidated' };
  if (nearest.stored !== undefined) return { kind: 'miss', label: `miss · stored` };
  if (nearest.collapsed !== undefined) return { kind: 'miss', label: 'miss · shared' };
  return { kind: 'pass', label: `pass · ${nearest.detail ?? nearest.fwd ?? 'not stored'}` };
}

export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function readable(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(bytes < 10240 ? 1 : 0)} KiB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
