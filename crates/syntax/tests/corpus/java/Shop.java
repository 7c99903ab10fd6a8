package shop;

import java.util.*;
import static java.lang.Math.max;

/** A shop, for the sake of its syntax. */
@SuppressWarnings({"unchecked", "rawtypes"})
public abstract sealed class Shop<T extends Comparable<? super T>> permits Shop.Small {
    private static final long LIMIT = 0xFFL << 2;
    protected final Map<String, List<? extends T>> orders = new HashMap<>();
    int[][] grid = {{1, 2}, {3}};

    public record Line(String sku, int count) {
        public Line {
            if (count < 0) throw new IllegalArgumentException("negative: " + count);
        }
    }

    enum State { OPEN("o") { @Override int weight() { return 2; } }, PAID("p");
        private final String code;
        State(String code) { this.code = code; }
        int weight() { return code.length(); }
    }

    static final class Small extends Shop<String> { }

    interface Visitor<R> { R visit(Line line) throws Exception; default int depth() { return 1; } }

    @SafeVarargs
    public final <R> Optional<R> walk(Visitor<R> visitor, Line... lines) {
        outer:
        for (int i = 0, n = lines.length; i < n; i++) {
            for (Line line : lines) {
                if (line == null) continue outer;
                else if (line.count() > LIMIT) break;
            }
            try (var scanner = new Scanner("x")) {
                synchronized (this) { return Optional.ofNullable(visitor.visit(lines[i])); }
            } catch (RuntimeException | Error e) {
                throw e;
            } catch (Exception e) {
                assert e != null : "never";
            } finally {
                grid[0][1] += i >>> 1;
            }
        }
        do { grid = new int[2][]; } while (grid == null);
        Runnable run = () -> { int x = 1; x++; };
        java.util.function.Function<Integer, int[]> make = int[]::new;
        String text = switch (lines.length) { case 0, 1 -> "few"; default -> { yield "many"; } };
        Object o = text instanceof String s && !s.isEmpty() ? (Object) s.charAt(0) : 'c';
        switch (max(1, 2)) { case 1: break; default: run.run(); }
        return Optional.<R>empty();
    }
}
