import { useEffect, useState } from 'react';

const AGE_EVERY_MS = 30_000;

/** The time of now, often enough for ages in minutes. */
export function useNow(): number {
  const [now_ms, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), AGE_EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  return now_ms;
}
