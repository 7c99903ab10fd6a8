// A shop, for the sake of its syntax.
using System;
using System.Collections.Generic;
using System.Linq;

namespace Shop
{
    public enum State : byte { Open = 1, Paid = Open << 1 }

    public interface IOrder<out T> where T : class { T Get(int at); string Name { get; } }

    [Serializable]
    public abstract class Base
    {
        protected readonly Dictionary<string, List<int>> map = new Dictionary<string, List<int>> { { "a", new List<int> { 1, 2 } } };
        public string Name { get; private set; } = "none";
        public abstract int Count(ref int start, out bool done, params string[] rest);
        public int this[int at] { get { return at; } set { at = value; } }
        public event EventHandler Changed;
        public static Base operator +(Base a, Base b) => a ?? b;
    }

    public sealed class Shop<T> : Base, IOrder<string> where T : struct
    {
        public string Get(int at) { return $"{at:D2} of {Name}"; }
        public override int Count(ref int start, out bool done, params string[] rest)
        {
            done = !(start > 1 && rest.Length != 0);
            for (int i = 0; i < rest.Length; i++) { if (rest[i] == null) continue; else break; }
            foreach (var one in rest.Where(x => x.Length > 2).Select((x, i) => new { x, i })) { start += one.i; }
            try { checked { start *= 2; } }
            catch (OverflowException e) when (e != null) { throw; }
            finally { start--; }
            switch (start) { case 1: case 2: return 0; default: goto end; }
        end:
            var query = from x in rest where x != "" orderby x descending select x.Trim();
            using (var reader = new System.IO.StringReader(@"raw \ text")) lock (this) { reader.Read(); }
            do { start = start > 0 ? -start : ~start; } while (start as object is string);
            int? maybe = null; Func<int, int> f = delegate (int x) { return x; };
            return maybe?.GetHashCode() ?? f((int)1.5e3);
        }
    }
}
